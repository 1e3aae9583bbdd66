import type { Settlement } from "../../machines/dedup-key.ts";
import { aged, countsLease, isHolding, ModelAttempts } from "./attempt.ts";
import { launch, type Truth } from "./driver.ts";
import { type Move, singleMovesOf } from "./moves.ts";
import {
  emptyRegister,
  ghostCodes,
  ghostOf,
  matches,
  misuse,
  type Register,
  registerCode,
  registerOf,
  type Violation,
  withoutRecord,
  written,
} from "./register.ts";
import { type Fault, faults, type Scope, UNLIMITED } from "./scope.ts";
import { hurried, movesOf } from "./shortcuts.ts";
import { type Machine, SteppedMachine } from "./stepped-machine.ts";

/** The attempts under way, and the store between them. All of it is numbers: worlds are compared and kept by the million. */
export interface World {
  readonly register: number;
  /** True if a commit was ever applied. */
  readonly wasCommitted: boolean;
  readonly deliveriesLeft: number;
  /** Remaining number of each fault, three bits each. */
  readonly limits: number;
  readonly ghosts: readonly number[];
  readonly attempts: readonly number[];
}

/** Something that can happen in a world. */
export interface Happening {
  readonly label: string;
  /** The attempt that it happens to, by its place among those before; a new one is the last. None when it happens at the store. */
  readonly at: number | undefined;
  /** True if it can happen repeatedly without end: a renewal, or a fault without a limit. */
  readonly isEndless: boolean;
  readonly settled: Settlement | undefined;
  /** The attempts that are over after it: settled, dead, or left with nothing that could matter. */
  readonly over: readonly number[];
  readonly world: World;
  readonly violations: readonly Violation[];
}

type Changed = Pick<Happening, "world" | "over" | "violations">;

/** A move with what comes after it as numbers. */
interface KnownMove extends Omit<Move, "attempt" | "register" | "ghosts"> {
  readonly attempt: number;
  readonly register: number;
  readonly ghosts: readonly number[];
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

/** In the place of an attempt that is over. */
const OVER = -1;
const NOBODY: readonly number[] = [];
const NONE: readonly Violation[] = [];
const LOST: Violation = { guarantee: "G6", what: "a holder loses the key before it is aborted" };
const STUCK: Violation = { guarantee: "G4", what: "a delivery waits for nothing, and is not settled" };

/** All that can happen in a scope. */
export class Worlds {
  readonly machine: SteppedMachine;
  readonly attempts: ModelAttempts;
  readonly #scope: Scope;
  readonly #takesShortcuts: boolean;
  readonly #mayReadLate: boolean;
  readonly #mayVanish: boolean;
  readonly #moves = new Map<number, readonly KnownMove[]>();
  readonly #aged: number[] = [];
  readonly #hurried: number[] = [];
  readonly #leftBehind: (readonly number[] | undefined)[] = [];

  /** Without shortcuts it is far more, and shows nothing that it does not show with them. */
  constructor(machine: Machine, scope: Scope, { takesShortcuts = true }: { readonly takesShortcuts?: boolean } = {}) {
    const { faults: limits } = scope;
    this.#scope = scope;
    this.#takesShortcuts = takesShortcuts;
    this.machine = new SteppedMachine(machine, scope.mayDispatchUnprotected);
    this.#mayReadLate = limits["stale read"] !== undefined || limits["false refusal"] !== undefined;
    this.#mayVanish = limits["window end"] !== undefined || limits.clear !== undefined;
    this.attempts = new ModelAttempts({ remembersPast: this.#mayReadLate });
  }

  begin(): World {
    return {
      register: registerCode(emptyRegister),
      wasCommitted: false,
      deliveriesLeft: this.#scope.deliveries,
      limits: faults.reduce((all, fault) => all + ((this.#scope.faults[fault] ?? 0) << SHIFTS[fault]), 0),
      ghosts: [],
      attempts: [],
    };
  }

  happenings(world: World): Happening[] {
    const found: Happening[] = [];
    this.#delivery(world, found);
    for (let at = 0; at < world.attempts.length; at += 1) this.#attemptMoves(world, at, found);
    this.#crashes(world, found);
    this.#landings(world, found);
    this.#time(world, found);
    this.#removals(world, found);
    return found;
  }

  /** A delivery begins when its claim arrives: until then it concerns nobody. */
  #delivery(world: World, found: Happening[]): void {
    const { attempts, deliveriesLeft } = world;
    if (deliveriesLeft === 0) return;
    const { attempt } = launch(this.machine, this.#truth(world));
    const begun = {
      ...world,
      deliveriesLeft: deliveriesLeft - 1,
      attempts: [...attempts, this.attempts.idOf(attempt)],
    };
    if (this.#takesShortcuts) this.#attemptMoves(begun, attempts.length, found, "begins; ");
    else
      found.push(
        ofTheStore("begins", world, undefined, { world: begun, over: NOBODY, violations: NONE }, attempts.length),
      );
  }

  #attemptMoves(world: World, at: number, found: Happening[], prefix = ""): void {
    for (const move of this.#movesOf(world.attempts[at] ?? OVER, world)) {
      const { label, costs, isRenewal, settled, violations } = move;
      if (costs !== undefined && !has(world, costs)) continue;
      const after = this.#changed(world, costs, move, at, move.attempt);
      const isEndless = isRenewal || (costs !== undefined && after.world.limits === world.limits);
      const all = after.violations.length === 0 ? violations : [...violations, ...after.violations];
      const what = prefix === "" ? label : `${prefix}${label}`;
      found.push({ label: what, at, isEndless, settled, over: after.over, world: after.world, violations: all });
    }
  }

  #movesOf(id: number, world: World): readonly KnownMove[] {
    const key = (id * 32 + world.register) * 2 + (world.wasCommitted ? 1 : 0);
    const known = this.#moves.get(key);
    if (known !== undefined) return known;
    const allMoves = this.#takesShortcuts ? movesOf : singleMovesOf;
    const moves = allMoves(this.machine, this.#scope, this.attempts.at(id), this.#truth(world)).map(
      (move): KnownMove => ({
        ...move,
        attempt: move.settled === undefined ? this.attempts.idOf(move.attempt) : OVER,
        register: this.#code(move.register),
        ghosts: move.ghosts.flatMap(ghostCodes),
      }),
    );
    const isStuck = moves.every(({ costs }) => costs !== undefined);
    const judged = isStuck ? [...moves, waiting(id, world)] : moves;
    this.#moves.set(key, judged);
    return judged;
  }

  /**
   * The process of a delivery dies. One for whose lease nobody waits might as well do nothing from now on; and so might others of
   * the same process that have lost the key, and whose handlers still run.
   */
  #crashes(world: World, found: Happening[]): void {
    if (!has(world, "crash")) return;
    for (let at = 0; at < world.attempts.length; at += 1) {
      const ghosts = this.#leftBehindBy(world.attempts[at] ?? OVER);
      if (ghosts === undefined) continue;
      const { register } = world;
      const after = this.#changed(world, "crash", { register, isWrite: false, ghosts }, at, OVER);
      found.push(ofTheStore("dies", world, "crash", after, at));
    }
  }

  /** Messages of those who are gone arrive. */
  #landings(world: World, found: Happening[]): void {
    if (world.ghosts.length === 0) return;
    const register = registerOf(world.register);
    for (const [index, code] of world.ghosts.entries()) {
      const ghost = ghostOf(code);
      if (code === world.ghosts[index - 1] || !matches(register, ghost)) continue;
      const wrong = misuse(register, ghost.kind, ghost.owns);
      const others = { ...world, ghosts: world.ghosts.toSpliced(index, 1) };
      const after = this.#written(others, undefined, written(register, ghost.kind, false));
      const violations = wrong === undefined ? after.violations : [wrong, ...after.violations];
      const label = `the ${ghost.kind} of one that is gone lands late`;
      found.push(ofTheStore(label, world, undefined, { ...after, violations }));
    }
  }

  #time(world: World, found: Happening[]): void {
    const { holds, isOver, held } = registerOf(world.register);
    if (holds !== "reservation") return;
    if (isOver) {
      const after = this.#written(world, undefined, withoutRecord(registerOf(world.register)));
      found.push(ofTheStore("the store removes the ended reservation", world, undefined, after));
    } else if (!world.attempts.some((id) => this.#ownsAndCountsLease(id))) {
      const register = this.#code({ holds, isOver: true, held });
      const after = this.#changed(world, undefined, { register, isWrite: false, ghosts: [] }, OVER, OVER);
      found.push(ofTheStore("the lease of the reservation is over", world, undefined, after));
    }
  }

  #removals(world: World, found: Happening[]): void {
    const { holds } = registerOf(world.register);
    const emptied = withoutRecord(registerOf(world.register));
    if (holds === "commit" && has(world, "window end")) {
      const after = this.#written(world, "window end", emptied);
      found.push(ofTheStore("the window of the commit ends", world, "window end", after));
    }
    if (holds !== "nothing" && has(world, "clear")) {
      // The holder is aborted only after its next renewal.
      const after = { ...this.#written(world, "clear", emptied), violations: NONE };
      found.push(ofTheStore("the record is removed from outside", world, "clear", after));
    }
  }

  #ownsAndCountsLease(id: number): boolean {
    const attempt = this.attempts.at(id);
    return attempt.owns && countsLease(attempt);
  }

  /** Returns the messages in flight when an attempt dies; undefined if its death makes no difference. */
  #leftBehindBy(id: number): readonly number[] | undefined {
    if (id in this.#leftBehind) return this.#leftBehind[id];
    const attempt = this.attempts.at(id);
    const { request, loose, owns } = attempt;
    const onTheirWay = typeof request === "object" ? [...loose, request] : loose;
    const isMissed = !this.#takesShortcuts || countsLease(attempt);
    const left = isMissed ? onTheirWay.flatMap((write) => ghostCodes({ ...write, owns })) : undefined;
    this.#leftBehind[id] = left;
    return left;
  }

  #written(world: World, costs: Fault | undefined, register: Register): Changed {
    return this.#changed(world, costs, { register: this.#code(register), isWrite: true, ghosts: [] }, OVER, OVER);
  }

  /** The world after something that an attempt did to itself and the register, or that happened to the register alone. */
  #changed(
    world: World,
    costs: Fault | undefined,
    { register, isWrite, ghosts }: Pick<KnownMove, "register" | "isWrite" | "ghosts">,
    by: number,
    next: number,
  ): Changed {
    const attempts: number[] = [];
    let over: readonly number[] = NOBODY;
    let isLost = false;
    for (let at = 0; at < world.attempts.length; at += 1) {
      const before = world.attempts[at] ?? OVER;
      let after = at === by ? next : before;
      if (isWrite && at !== by) {
        const attempt = this.attempts.at(before);
        isLost ||= attempt.owns && isHolding(attempt);
        after = this.#agedOf(before, world.register);
      }
      if (after !== OVER) after = this.#hurriedOf(after);
      if (after !== OVER) attempts.push(after);
      else over = [...over, at];
    }
    const landable =
      isWrite && world.ghosts.length > 0
        ? world.ghosts.filter((code) => ghostOf(code).expected === "nothing")
        : world.ghosts;
    const after: World = {
      register,
      wasCommitted: world.wasCommitted || registerOf(register).holds === "commit",
      deliveriesLeft: world.deliveriesLeft,
      limits: costs === undefined ? world.limits : spent(world, costs),
      ghosts: together(landable, ghosts),
      attempts,
    };
    return { world: after, over, violations: isLost ? [LOST] : NONE };
  }

  #agedOf(id: number, register: number): number {
    const { holds } = registerOf(register);
    const key = id * 2 + (holds === "nothing" ? 0 : 1);
    this.#aged[key] ??= this.attempts.idOf(aged(this.attempts.at(id), { holds }));
    return this.#aged[key];
  }

  #hurriedOf(id: number): number {
    const known = this.#takesShortcuts ? this.#hurried[id] : id;
    if (known !== undefined) return known;
    const attempt = hurried(this.machine, this.#scope, this.attempts.at(id));
    const after = attempt === undefined ? OVER : this.attempts.idOf(attempt);
    this.#hurried[id] = after;
    return after;
  }

  #truth({ register, wasCommitted }: World): Truth {
    return {
      register: registerOf(register),
      wasCommitted,
      mayVanish: this.#mayVanish,
      mayBeOutdated: this.#mayReadLate || !this.#takesShortcuts,
      renews: this.#scope.renews,
    };
  }

  #code(register: Register): number {
    return registerCode(this.#mayReadLate ? register : { ...register, held: "nothing" });
  }
}

/** An impossible move: an attempt waits, and nothing is in progress. */
function waiting(attempt: number, { register }: World): KnownMove {
  const nothing = { costs: undefined, arrives: false, looks: false, isRenewal: false, settled: undefined, ghosts: [] };
  return { ...nothing, label: "waits for nothing", attempt, register, isWrite: false, violations: [STUCK] };
}

function ofTheStore(label: string, before: World, costs: Fault | undefined, after: Changed, at?: number): Happening {
  const { world, over, violations } = after;
  const isEndless = costs !== undefined && world.limits === before.limits;
  return { label, at, isEndless, settled: undefined, over, world, violations };
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
