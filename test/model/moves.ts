import type { DedupKeyEvent, Settlement } from "../../machines/dedup-key.ts";
import { arrivals, landed } from "./arrivals.ts";
import { countsLease, type ModelAttempt } from "./attempt.ts";
import { type Truth, tell } from "./driver.ts";
import { type Ghost, matches, type Register, type Violation } from "./register.ts";
import type { Fault, Scope } from "./scope.ts";
import { mayClaim, type SteppedMachine } from "./stepped-machine.ts";

/** A possible next step of one attempt. */
export interface Move {
  readonly label: string;
  /** Fault that the move uses up; undefined if it happens by itself. */
  readonly costs: Fault | undefined;
  /** `arrives`: a request has reached the store. `looks`: the move depends on the content of the register. */
  readonly arrives: boolean;
  readonly looks: boolean;
  /** True if a holder renews because its handler still runs. */
  readonly isRenewal: boolean;
  readonly attempt: ModelAttempt;
  readonly settled: Settlement | undefined;
  readonly ghosts: readonly Ghost[];
  readonly register: Register;
  /** True if the content of the register changed. */
  readonly isWrite: boolean;
  readonly violations: readonly Violation[];
}

/** Returns every possible next step of an attempt while the rest of the world does not change. */
export function singleMovesOf(machine: SteppedMachine, scope: Scope, attempt: ModelAttempt, truth: Truth): Move[] {
  const { register } = truth;
  const { request, answer, timers, loose, handler } = attempt;
  const still: Move = {
    label: "",
    costs: undefined,
    arrives: false,
    looks: false,
    isRenewal: false,
    attempt,
    settled: undefined,
    ghosts: [],
    register,
    isWrite: false,
    violations: [],
  };
  const moves: Move[] = [];
  const add = (move: Partial<Move>): void => {
    moves.push({ ...still, ...move });
  };
  const hears = (label: string, event: DedupKeyEvent, at: ModelAttempt, given: Partial<Move> = {}): void => {
    add({ ...given, label, ...tell(machine, at, event, { ...truth, register: given.register ?? register }) });
  };
  const without = (timer: keyof ModelAttempt["timers"]): ModelAttempt => ({
    ...attempt,
    timers: { ...timers, [timer]: false },
  });

  if (attempt.isAsleep) {
    hears("wakes up", { type: "lease.ended" }, { ...without("lease"), isAsleep: false });
    return moves;
  }
  if (request !== undefined)
    for (const arrival of arrivals(scope, attempt, request, register)) add({ ...arrival, arrives: true });
  if (answer !== undefined) {
    for (const { event, at, costs } of judged(attempt, answer, register))
      hears(`hears ${said(event)}`, event, at, { costs });
  }
  for (const [index, write] of loose.entries()) {
    const others = { ...attempt, loose: loose.toSpliced(index, 1) };
    if (matches(register, write)) add({ label: `its ${write.kind} lands late`, ...landed(others, write, register) });
  }
  if (timers.retry) {
    hears("tries again", { type: "retry.due", exhausted: false }, without("retry"));
    hears("has no more time to try", { type: "retry.due", exhausted: true }, without("retry"));
  }
  if (timers.renewal) hears("is to renew", { type: "renewal.due" }, without("renewal"), { isRenewal: true });
  const over = attempt.owns && register.holds === "reservation" ? { ...register, isOver: true } : register;
  if (timers.lease) {
    hears("its lease ends", { type: "lease.ended" }, without("lease"), { register: over });
    add({
      label: "stands still, and its lease ends",
      costs: "freeze",
      attempt: { ...attempt, isAsleep: true },
      register: over,
    });
  }
  if (mayClaim(attempt.place.leaf) && countsLease(attempt)) {
    add({
      label: "the lease it claims is over",
      costs: "slowness",
      attempt: { ...attempt, isLate: true },
      register: over,
    });
  }
  if (handler === "running") {
    hears("its handler succeeds", { type: "handler.succeeded" }, { ...attempt, handler: "succeeded" });
    hears("its handler fails", { type: "handler.failed" }, { ...attempt, handler: "failed" });
    if (!attempt.isAborted) hears("shuts down", { type: "shutdown" }, attempt, { costs: "shutdown" });
  }
  return moves;
}

/** An answer as it is interpreted on arrival. */
export interface Judged {
  readonly event: DedupKeyEvent;
  readonly at: ModelAttempt;
  readonly costs: Fault | undefined;
}

/**
 * The lease may have ended by the time the answer arrives. A slow answer may also describe a reservation that was replaced
 * meanwhile. The next claim then expects a replaced record.
 */
export function judged(attempt: ModelAttempt, answer: DedupKeyEvent, { isOver }: Register): Judged[] {
  const at: ModelAttempt = { ...attempt, answer: undefined };
  const costs = undefined;
  if (answer.type === "write.acked" || answer.type === "found.own.reservation") {
    return [{ event: { ...answer, late: attempt.isLate }, at, costs }];
  }
  if (answer.type !== "found.reservation") return [{ event: answer, at, costs }];
  const ended = { ...answer, ended: true };
  return [
    { event: answer, at, costs },
    isOver && answer.revision === attempt.current
      ? { event: ended, at, costs }
      : { event: ended, at: { ...at, current: 0 }, costs: "slowness" },
  ];
}

export function said(event: DedupKeyEvent): string {
  return [event.type, ...Object.entries(event).flatMap(([name, value]) => (value === true ? [name] : []))].join(", ");
}
