import type { DedupKeyEvent, Settlement } from "../../machines/dedup-key.ts";
import { arrivals, landed } from "./arrivals.ts";
import { countsLease, type ModelAttempt } from "./attempt.ts";
import { type Environment, send } from "./driver.ts";
import { matches, type OrphanedWrite, type Register, type Violation } from "./register.ts";
import type { Fault, Scope } from "./scope.ts";
import { mayClaim, type SteppedMachine } from "./stepped-machine.ts";
import { type Database, type Executed, execute, holdsMarker } from "./transaction.ts";

/** A possible next step of one attempt. */
export interface Move {
  readonly label: string;
  /** Fault that the move uses up. Undefined if the move needs none. */
  readonly costs: Fault | undefined;
  /** `arrives`: a request reaches the store. `readsRegister`: the move depends on the content of the register. */
  readonly arrives: boolean;
  readonly readsRegister: boolean;
  /** True if a holder renews its lease because its handler still runs. */
  readonly isRenewal: boolean;
  readonly attempt: ModelAttempt;
  readonly settled: Settlement | undefined;
  readonly orphans: readonly OrphanedWrite[];
  readonly register: Register;
  /** True if the content of the register changed. */
  readonly isWrite: boolean;
  readonly database: Database;
  readonly violations: readonly Violation[];
}

/** Returns every possible next step of an attempt. Only the attempt and the register change. */
export function singleMovesOf(
  machine: SteppedMachine,
  scope: Scope,
  attempt: ModelAttempt,
  environment: Environment,
): Move[] {
  const { register, database } = environment;
  const { request, answer, timers, lateWrites, handler } = attempt;
  const unchanged: Move = {
    label: "",
    costs: undefined,
    arrives: false,
    readsRegister: false,
    isRenewal: false,
    attempt,
    settled: undefined,
    orphans: [],
    register,
    isWrite: false,
    database,
    violations: [],
  };
  const moves: Move[] = [];
  const add = (move: Partial<Move>): void => {
    moves.push({ ...unchanged, ...move });
  };
  const receives = (label: string, event: DedupKeyEvent, at: ModelAttempt, given: Partial<Move> = {}): void => {
    add({ ...given, label, ...send(machine, at, event, { ...environment, register: given.register ?? register }) });
  };
  const without = (timer: keyof ModelAttempt["timers"]): ModelAttempt => ({
    ...attempt,
    timers: { ...timers, [timer]: false },
  });

  if (attempt.isFrozen) {
    receives("wakes up", { type: "lease.ended" }, { ...without("lease"), isFrozen: false });
    return moves;
  }
  if (request !== undefined)
    for (const arrival of arrivals(scope, attempt, request, register)) add({ ...arrival, arrives: true });
  if (answer !== undefined) {
    for (const { event, at, costs } of interpretations(scope, attempt, answer, register))
      receives(`receives ${describeEvent(event)}`, event, at, { costs });
  }
  for (const [index, write] of lateWrites.entries()) {
    const others = { ...attempt, lateWrites: lateWrites.toSpliced(index, 1) };
    if (matches(register, write)) add({ label: `its ${write.kind} arrives late`, ...landed(others, write, register) });
  }
  if (timers.retry) {
    receives("retries", { type: "retry.due", exhausted: false }, without("retry"));
    receives("has no time left to retry", { type: "retry.due", exhausted: true }, without("retry"));
  }
  if (timers.renewal) receives("is due to renew", { type: "renewal.due" }, without("renewal"), { isRenewal: true });
  const expired = attempt.owns && register.holds === "reservation" ? { ...register, hasExpired: true } : register;
  if (timers.lease) {
    receives("its lease ends", { type: "lease.ended" }, without("lease"), { register: expired });
    add({
      label: "freezes, and its lease ends",
      costs: "freeze",
      attempt: { ...attempt, isFrozen: true },
      register: expired,
    });
  }
  if (mayClaim(attempt.place.leaf) && countsLease(attempt)) {
    add({
      label: "the lease that it claims has ended",
      costs: "slowness",
      attempt: { ...attempt, isLate: true },
      register: expired,
    });
  }
  if (handler === "running") {
    const fails = (label: string): void => {
      const after = { database: rolledBack(scope, attempt, database) };
      receives(label, { type: "handler.failed" }, { ...attempt, handler: "failed" }, after);
    };
    if (attempt.statements === (scope.effects?.protocol.statements.length ?? 0))
      receives("its handler succeeds", { type: "handler.succeeded" }, { ...attempt, handler: "succeeded" });
    fails("its handler fails");
    const executed = executeNext(scope, attempt, database);
    if (executed !== undefined) {
      const { label, next, database: after, violations } = executed;
      if (next === undefined) fails(label);
      else add({ label, attempt: { ...attempt, statements: next }, database: after, violations });
    }
    if (!attempt.isAborted) receives("shuts down", { type: "shutdown" }, attempt, { costs: "shutdown" });
  }
  return moves;
}

function executeNext({ effects }: Scope, attempt: ModelAttempt, database: Database): Executed | undefined {
  if (effects === undefined) return undefined;
  return execute(effects.protocol, database, { from: attempt.statements, fence: attempt.fence });
}

/** Returns true if other attempts wait for the open transaction of this one. */
export function locksMarker({ effects }: Scope, { handler, statements }: ModelAttempt): boolean {
  return effects !== undefined && handler === "running" && holdsMarker(effects.protocol, statements);
}

/** Returns the database after an attempt ended and its open transaction was rolled back. */
export function rolledBack(scope: Scope, attempt: ModelAttempt, database: Database): Database {
  return locksMarker(scope, attempt) ? { ...database, isLocked: false } : database;
}

/** Event that an answer becomes on arrival, and the attempt that receives it. */
export interface Interpretation {
  readonly event: DedupKeyEvent;
  readonly at: ModelAttempt;
  readonly costs: Fault | undefined;
}

/**
 * Returns the possible interpretations of an answer. The lease may have ended by the time the answer arrives. A slow answer may
 * describe a reservation that has since been replaced, so that the next claim expects a replaced record.
 */
export function interpretations(
  scope: Scope,
  attempt: ModelAttempt,
  answer: DedupKeyEvent,
  { hasExpired }: Register,
): Interpretation[] {
  const at: ModelAttempt = { ...attempt, answer: undefined };
  const costs = undefined;
  if (answer.type === "write.acked" || answer.type === "found.own.reservation") {
    return [{ event: { ...answer, late: attempt.isLate }, at, costs }];
  }
  // Any clear makes the emptiness of a key suspicious to an attempt that commits.
  const mayBeCleared = scope.faults.clear !== undefined && attempt.place.leaf.includes(".committing");
  if (answer.type === "found.nothing" && mayBeCleared) {
    return [
      { event: answer, at, costs },
      { event: { type: "found.cleared" }, at, costs },
    ];
  }
  if (answer.type !== "found.reservation") return [{ event: answer, at, costs }];
  const ended = { ...answer, ended: true };
  return [
    { event: answer, at, costs },
    hasExpired && answer.revision === attempt.current
      ? { event: ended, at, costs }
      : { event: ended, at: { ...at, current: 0 }, costs: "slowness" },
  ];
}

export function describeEvent(event: DedupKeyEvent): string {
  return [event.type, ...Object.entries(event).flatMap(([name, value]) => (value === true ? [name] : []))].join(", ");
}
