import type { Settlement } from "../../machines/dedup-key.ts";
import { aged, countsLease, isHolding, ModelAttempts } from "./attempt.ts";
import { type Environment, launch } from "./driver.ts";
import { locksMarker, type Move, rolledBack, singleMovesOf } from "./moves.ts";
import {
  emptyRegister,
  matches,
  orphanCodes,
  orphanOf,
  type Register,
  registerCode,
  registerOf,
  type Violation,
  violationOf,
  withoutRecord,
  written,
} from "./register.ts";
import { type Fault, faults, type Scope, UNLIMITED } from "./scope.ts";
import { movesOf, pruned } from "./shortcuts.ts";
import { type Machine, SteppedMachine } from "./stepped-machine.ts";
import { DATABASES, databaseCode, databaseOf, emptyDatabase, otherTenantsEffect } from "./transaction.ts";

/** The running attempts and the store, encoded as numbers because the check compares and stores millions of worlds. */
export interface World {
  readonly register: number;
  readonly database: number;
  /** True if a commit was applied at any time. */
  readonly wasCommitted: boolean;
  readonly deliveriesLeft: number;
  /** Remaining number of each fault, three bits each. */
  readonly limits: number;
  readonly orphans: readonly number[];
  readonly attempts: readonly number[];
}

/** A possible step of a world. */
export interface WorldStep {
  readonly label: string;
  /** Index of the attempt that takes the step; a new attempt is the last. Undefined if only the store changes. */
  readonly at: number | undefined;
  /** True if the step can repeat without end: a renewal, or a fault without a limit. */
  readonly isEndless: boolean;
  readonly settled: Settlement | undefined;
  /** Indexes of the attempts that end with the step: settled, crashed, or no longer able to affect others. */
  readonly ended: readonly number[];
  readonly world: World;
  readonly violations: readonly Violation[];
}

/** Changes that a step makes to a world, besides attempts. The database stays as it is by default. */
type Change = Pick<KnownMove, "register" | "isWrite" | "orphans"> & Partial<Pick<KnownMove, "database">>;

type Changed = Pick<WorldStep, "world" | "ended" | "violations">;

/** A move whose result is encoded as numbers. */
interface KnownMove extends Omit<Move, "attempt" | "register" | "database" | "orphans"> {
  readonly attempt: number;
  readonly register: number;
  readonly database: number;
  readonly orphans: readonly number[];
}

/** Position of each fault's three bits. */
const SHIFTS: Readonly<Record<Fault, number>> = {
  crash: 0,
  trouble: 3,
  slowness: 6,
  "stale read": 9,
  "false refusal": 12,
  "broken answer": 15,
  freeze: 18,
  shutdown: 21,
  "window end": 24,
  clear: 27,
};

/** Number that replaces an ended attempt. */
const ENDED = -1;
const NO_ATTEMPTS: readonly number[] = [];
const NONE: readonly Violation[] = [];
const LOST: Violation = { guarantee: "G6", what: "a holder loses the key before it is aborted" };
const STUCK: Violation = {
  guarantee: "G4",
  what: "a delivery waits although nothing is in progress, and is not settled",
};

/** Enumerates the possible steps of every world in a scope. */
export class Worlds {
  readonly machine: SteppedMachine;
  readonly attempts: ModelAttempts;
  readonly #scope: Scope;
  readonly #takesShortcuts: boolean;
  readonly #mayReadLate: boolean;
  readonly #mayVanish: boolean;
  readonly #moves = new Map<number, readonly KnownMove[]>();
  readonly #aged: number[] = [];
  readonly #pruned: number[] = [];
  readonly #leftBehind: (readonly number[] | undefined)[] = [];

  /** With `takesShortcuts: false` there are many more worlds, but no further violations. */
  constructor(machine: Machine, scope: Scope, { takesShortcuts = true }: { readonly takesShortcuts?: boolean } = {}) {
    const { faults: limits } = scope;
    this.#scope = scope;
    this.#takesShortcuts = takesShortcuts;
    this.machine = new SteppedMachine(machine, scope.mayDispatchUnprotected);
    this.#mayReadLate = limits["stale read"] !== undefined || limits["false refusal"] !== undefined;
    this.#mayVanish = limits["window end"] !== undefined || limits.clear !== undefined;
    this.attempts = new ModelAttempts({ keepsPast: this.#mayReadLate, keepsFences: scope.effects !== undefined });
  }

  begin(): World {
    return {
      register: registerCode(emptyRegister),
      database: databaseCode({ ...emptyDatabase, otherTenant: this.#scope.effects?.tenants === 2 ? "due" : "absent" }),
      wasCommitted: false,
      deliveriesLeft: this.#scope.deliveries,
      limits: faults.reduce((all, fault) => all + ((this.#scope.faults[fault] ?? 0) << SHIFTS[fault]), 0),
      orphans: [],
      attempts: [],
    };
  }

  stepsFrom(world: World): WorldStep[] {
    const found: WorldStep[] = [];
    this.#delivery(world, found);
    for (let at = 0; at < world.attempts.length; at += 1) this.#attemptMoves(world, at, found);
    this.#crashes(world, found);
    this.#landings(world, found);
    this.#time(world, found);
    this.#removals(world, found);
    this.#otherTenant(world, found);
    return found;
  }

  /** With shortcuts, a delivery begins when its claim arrives. Before that it affects no other attempt. */
  #delivery(world: World, found: WorldStep[]): void {
    const { attempts, deliveriesLeft } = world;
    if (deliveriesLeft === 0) return;
    const { attempt } = launch(this.machine, this.#environment(world));
    const begun = {
      ...world,
      deliveriesLeft: deliveriesLeft - 1,
      attempts: [...attempts, this.attempts.idOf(attempt)],
    };
    if (this.#takesShortcuts) this.#attemptMoves(begun, attempts.length, found, "begins; ");
    else
      found.push(
        ofTheStore("begins", world, undefined, { world: begun, ended: NO_ATTEMPTS, violations: NONE }, attempts.length),
      );
  }

  #attemptMoves(world: World, at: number, found: WorldStep[], prefix = ""): void {
    for (const move of this.#movesOf(world.attempts[at] ?? ENDED, world)) {
      const { label, costs, isRenewal, settled, violations } = move;
      if (costs !== undefined && !has(world, costs)) continue;
      const after = this.#changed(world, costs, move, at, move.attempt);
      const isEndless = isRenewal || (costs !== undefined && after.world.limits === world.limits);
      const all = after.violations.length === 0 ? violations : [...violations, ...after.violations];
      const what = prefix === "" ? label : `${prefix}${label}`;
      found.push({ label: what, at, isEndless, settled, ended: after.ended, world: after.world, violations: all });
    }
  }

  #movesOf(id: number, world: World): readonly KnownMove[] {
    const key = ((id * DATABASES + world.database) * 32 + world.register) * 2 + (world.wasCommitted ? 1 : 0);
    const known = this.#moves.get(key);
    if (known !== undefined) return known;
    const allMoves = this.#takesShortcuts ? movesOf : singleMovesOf;
    const moves = allMoves(this.machine, this.#scope, this.attempts.at(id), this.#environment(world)).map(
      (move): KnownMove => ({
        ...move,
        attempt: move.settled === undefined ? this.attempts.idOf(move.attempt) : ENDED,
        register: this.#code(move.register),
        database: databaseCode(move.database),
        orphans: move.orphans.flatMap(orphanCodes),
      }),
    );
    const isStuck = moves.every(({ costs }) => costs !== undefined);
    const interpretations = isStuck ? [...moves, waiting(id, world)] : moves;
    this.#moves.set(key, interpretations);
    return interpretations;
  }

  /**
   * Adds the crash of each attempt. The crash of an attempt that measures no lease and locks nothing is left out: it equals an attempt
   * that takes no further step. So does the crash of other attempts of the process that have lost the key.
   */
  #crashes(world: World, found: WorldStep[]): void {
    if (!has(world, "crash")) return;
    for (let at = 0; at < world.attempts.length; at += 1) {
      const orphans = this.#leftBehindBy(world.attempts[at] ?? ENDED);
      if (orphans === undefined) continue;
      const { register } = world;
      const attempt = this.attempts.at(world.attempts[at] ?? ENDED);
      const database = databaseCode(rolledBack(this.#scope, attempt, databaseOf(world.database)));
      const after = this.#changed(world, "crash", { register, isWrite: false, orphans, database }, at, ENDED);
      found.push(ofTheStore("dies", world, "crash", after, at));
    }
  }

  /** Adds the late arrival of each orphaned write. */
  #landings(world: World, found: WorldStep[]): void {
    if (world.orphans.length === 0) return;
    const register = registerOf(world.register);
    for (const [index, code] of world.orphans.entries()) {
      const orphan = orphanOf(code);
      if (code === world.orphans[index - 1] || !matches(register, orphan)) continue;
      const wrong = violationOf(register, orphan.kind, orphan.owns);
      const others = { ...world, orphans: world.orphans.toSpliced(index, 1) };
      const after = this.#written(others, undefined, written(register, orphan.kind, false));
      const violations = wrong === undefined ? after.violations : [wrong, ...after.violations];
      const label = `the ${orphan.kind} of an ended attempt arrives late`;
      found.push(ofTheStore(label, world, undefined, { ...after, violations }));
    }
  }

  #time(world: World, found: WorldStep[]): void {
    const { holds, hasExpired, previous } = registerOf(world.register);
    if (holds !== "reservation") return;
    if (hasExpired) {
      const after = this.#written(world, undefined, withoutRecord(registerOf(world.register)));
      found.push(ofTheStore("the store removes the ended reservation", world, undefined, after));
    } else if (!world.attempts.some((id) => this.#ownsAndCountsLease(id))) {
      const register = this.#code({ holds, hasExpired: true, previous });
      const after = this.#changed(world, undefined, { register, isWrite: false, orphans: [] }, ENDED, ENDED);
      found.push(ofTheStore("the lease of the reservation ends", world, undefined, after));
    }
  }

  #removals(world: World, found: WorldStep[]): void {
    const { holds } = registerOf(world.register);
    const emptied = withoutRecord(registerOf(world.register));
    if (holds === "commit" && has(world, "window end")) {
      const after = this.#written(world, "window end", emptied);
      found.push(ofTheStore("the window of the commit ends", world, "window end", after));
    }
    if (holds !== "nothing" && has(world, "clear")) {
      // The holder is aborted only after its next renewal.
      const after = { ...this.#written(world, "clear", emptied), violations: NONE };
      found.push(ofTheStore("an operator or the store removes the record", world, "clear", after));
    }
  }

  #otherTenant(world: World, found: WorldStep[]): void {
    const { effects } = this.#scope;
    const other = effects === undefined ? undefined : otherTenantsEffect(effects.protocol, databaseOf(world.database));
    if (other === undefined) return;
    const { register } = world;
    const change = { register, isWrite: false, orphans: [], database: databaseCode(other.database) };
    const after = { ...this.#changed(world, undefined, change, ENDED, ENDED), violations: other.violations };
    found.push(ofTheStore("another tenant's event has its effect", world, undefined, after));
  }

  #ownsAndCountsLease(id: number): boolean {
    const attempt = this.attempts.at(id);
    return attempt.owns && countsLease(attempt);
  }

  /** Returns the messages in flight when an attempt dies. Returns undefined if its death makes no difference. */
  #leftBehindBy(id: number): readonly number[] | undefined {
    if (id in this.#leftBehind) return this.#leftBehind[id];
    const attempt = this.attempts.at(id);
    const { request, lateWrites, owns } = attempt;
    const inFlight = typeof request === "object" ? [...lateWrites, request] : lateWrites;
    const isMissed = !this.#takesShortcuts || countsLease(attempt) || locksMarker(this.#scope, attempt);
    const left = isMissed ? inFlight.flatMap((write) => orphanCodes({ ...write, owns })) : undefined;
    this.#leftBehind[id] = left;
    return left;
  }

  #written(world: World, costs: Fault | undefined, register: Register): Changed {
    return this.#changed(world, costs, { register: this.#code(register), isWrite: true, orphans: [] }, ENDED, ENDED);
  }

  /** Returns the world after a change of the register and, unless `by` is `ENDED`, of the attempt at that index. */
  #changed(
    world: World,
    costs: Fault | undefined,
    { register, isWrite, orphans, database = world.database }: Change,
    by: number,
    next: number,
  ): Changed {
    const attempts: number[] = [];
    let ended: readonly number[] = NO_ATTEMPTS;
    let isLost = false;
    for (let at = 0; at < world.attempts.length; at += 1) {
      const before = world.attempts[at] ?? ENDED;
      let after = at === by ? next : before;
      if (isWrite && at !== by) {
        const attempt = this.attempts.at(before);
        isLost ||= attempt.owns && isHolding(attempt);
        after = this.#agedOf(before, world.register);
      }
      if (after !== ENDED) after = this.#prunedOf(after);
      if (after !== ENDED) attempts.push(after);
      else ended = [...ended, at];
    }
    const landable =
      isWrite && world.orphans.length > 0
        ? world.orphans.filter((code) => orphanOf(code).expected === "nothing")
        : world.orphans;
    const after: World = {
      register,
      database,
      wasCommitted: world.wasCommitted || registerOf(register).holds === "commit",
      deliveriesLeft: world.deliveriesLeft,
      limits: costs === undefined ? world.limits : spent(world, costs),
      orphans: together(landable, orphans),
      attempts,
    };
    return { world: this.#ranked(after), ended, violations: isLost ? [LOST] : NONE };
  }

  /** Returns the world with the smallest fences that have the same order. */
  #ranked(world: World): World {
    if (this.#scope.effects === undefined) return world;
    const database = databaseOf(world.database);
    const attempts = world.attempts.map((id) => this.attempts.at(id));
    const fences = [...new Set([database.fence, ...attempts.map(({ fence }) => fence)])].filter((fence) => fence > 0);
    if (Math.max(0, ...fences) === fences.length) return world;
    const ranks = fences.sort((a, b) => a - b);
    const rank = (fence: number): number => ranks.indexOf(fence) + 1;
    return {
      ...world,
      database: databaseCode({ ...database, fence: rank(database.fence) }),
      attempts: attempts.map((attempt) => this.attempts.idOf({ ...attempt, fence: rank(attempt.fence) })),
    };
  }

  #agedOf(id: number, register: number): number {
    const { holds } = registerOf(register);
    const key = id * 2 + (holds === "nothing" ? 0 : 1);
    this.#aged[key] ??= this.attempts.idOf(aged(this.attempts.at(id), { holds }));
    return this.#aged[key];
  }

  #prunedOf(id: number): number {
    const known = this.#takesShortcuts ? this.#pruned[id] : id;
    if (known !== undefined) return known;
    const attempt = pruned(this.machine, this.#scope, this.attempts.at(id));
    const after = attempt === undefined ? ENDED : this.attempts.idOf(attempt);
    this.#pruned[id] = after;
    return after;
  }

  #environment({ register, database, wasCommitted }: World): Environment {
    return {
      register: registerOf(register),
      database: databaseOf(database),
      wasCommitted,
      mayVanish: this.#mayVanish,
      mayBeOutdated: this.#mayReadLate || !this.#takesShortcuts,
      renews: this.#scope.renews,
    };
  }

  #code(register: Register): number {
    return registerCode(this.#mayReadLate ? register : { ...register, previous: "nothing" });
  }
}

/** Returns the violation of an attempt that waits although nothing is in progress. */
function waiting(attempt: number, { register, database }: World): KnownMove {
  const nothing = {
    costs: undefined,
    arrives: false,
    readsRegister: false,
    isRenewal: false,
    settled: undefined,
    orphans: [],
  };
  return {
    ...nothing,
    label: "waits although nothing is in progress",
    attempt,
    register,
    isWrite: false,
    database,
    violations: [STUCK],
  };
}

function ofTheStore(label: string, before: World, costs: Fault | undefined, after: Changed, at?: number): WorldStep {
  const { world, ended, violations } = after;
  const isEndless = costs !== undefined && world.limits === before.limits;
  return { label, at, isEndless, settled: undefined, ended, world, violations };
}

function has({ limits }: World, fault: Fault): boolean {
  return ((limits >> SHIFTS[fault]) & 7) > 0;
}

function spent({ limits }: World, fault: Fault): number {
  const shift = SHIFTS[fault];
  return ((limits >> shift) & 7) === UNLIMITED ? limits : limits - (1 << shift);
}

function together(some: readonly number[], more: readonly number[]): readonly number[] {
  return more.length === 0 ? some : [...some, ...more].sort((a, b) => a - b);
}
