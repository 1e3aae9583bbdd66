import type { DedupKeyEvent, Settlement } from "../../machines/dedup-key.ts";
import { arrivals, landed } from "./arrivals.ts";
import { countsLease, type ModelAttempt } from "./attempt.ts";
import { type Truth, tell } from "./driver.ts";
import { type Ghost, matches, type Register, type Violation } from "./register.ts";
import type { Fault, Scope } from "./scope.ts";
import { mayClaim, type SteppedMachine } from "./stepped-machine.ts";

/** Something that can happen to one flight next. */
export interface Move {
  readonly label: string;
  /** What it takes of the limits, unless it happens by itself. */
  readonly costs: Fault | undefined;
  /** Whether a question has arrived at the store, and whether it would be otherwise if something else stood there. */
  readonly arrives: boolean;
  readonly looks: boolean;
  /** Whether a holder goes on because its handler does. */
  readonly isRenewal: boolean;
  readonly flight: ModelAttempt;
  readonly settled: Settlement | undefined;
  readonly ghosts: readonly Ghost[];
  readonly register: Register;
  /** Whether something else has come to stand in the register. */
  readonly isWrite: boolean;
  readonly violations: readonly Violation[];
}

/** Everything that can happen to a flight, one thing at a time, the rest of the world being as it is. */
export function singleMovesOf(machine: SteppedMachine, scope: Scope, flight: ModelAttempt, truth: Truth): Move[] {
  const { register } = truth;
  const { asked, answer, timers, loose, handler } = flight;
  const still: Move = {
    label: "",
    costs: undefined,
    arrives: false,
    looks: false,
    isRenewal: false,
    flight,
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
    ...flight,
    timers: { ...timers, [timer]: false },
  });

  if (flight.isAsleep) {
    hears("wakes up", { type: "lease.ended" }, { ...without("lease"), isAsleep: false });
    return moves;
  }
  if (asked !== undefined)
    for (const arrival of arrivals(scope, flight, asked, register)) add({ ...arrival, arrives: true });
  if (answer !== undefined) {
    for (const { event, at, costs } of judged(flight, answer, register))
      hears(`hears ${said(event)}`, event, at, { costs });
  }
  for (const [index, write] of loose.entries()) {
    const others = { ...flight, loose: loose.toSpliced(index, 1) };
    if (matches(register, write)) add({ label: `its ${write.kind} lands late`, ...landed(others, write, register) });
  }
  if (timers.retry) {
    hears("tries again", { type: "retry.due", exhausted: false }, without("retry"));
    hears("has no more time to try", { type: "retry.due", exhausted: true }, without("retry"));
  }
  if (timers.renewal) hears("is to renew", { type: "renewal.due" }, without("renewal"), { isRenewal: true });
  const over = flight.owns && register.holds === "reservation" ? { ...register, isOver: true } : register;
  if (timers.lease) {
    hears("its lease ends", { type: "lease.ended" }, without("lease"), { register: over });
    add({
      label: "stands still, and its lease ends",
      costs: "freeze",
      flight: { ...flight, isAsleep: true },
      register: over,
    });
  }
  if (mayClaim(flight.place.leaf) && countsLease(flight)) {
    add({
      label: "the lease it claims is over",
      costs: "slowness",
      flight: { ...flight, isLate: true },
      register: over,
    });
  }
  if (handler === "running") {
    hears("its handler succeeds", { type: "handler.succeeded" }, { ...flight, handler: "succeeded" });
    hears("its handler fails", { type: "handler.failed" }, { ...flight, handler: "failed" });
    if (!flight.isTold) hears("shuts down", { type: "shutdown" }, flight, { costs: "shutdown" });
  }
  return moves;
}

/** An answer as it is judged when it is here. */
export interface Judged {
  readonly event: DedupKeyEvent;
  readonly at: ModelAttempt;
  readonly costs: Fault | undefined;
}

/**
 * By the time an answer is here, the lease that it is about may be over. One that is not over may have been, had the answer been
 * slow and the reservation been replaced meanwhile; then the claim that follows expects what is gone.
 */
export function judged(flight: ModelAttempt, answer: DedupKeyEvent, { isOver }: Register): Judged[] {
  const at: ModelAttempt = { ...flight, answer: undefined };
  const costs = undefined;
  if (answer.type === "write.acked" || answer.type === "found.own.reservation") {
    return [{ event: { ...answer, late: flight.isLate }, at, costs }];
  }
  if (answer.type !== "found.reservation") return [{ event: answer, at, costs }];
  const ended = { ...answer, ended: true };
  return [
    { event: answer, at, costs },
    isOver && answer.revision === flight.current
      ? { event: ended, at, costs }
      : { event: ended, at: { ...at, current: 0 }, costs: "slowness" },
  ];
}

export function said(event: DedupKeyEvent): string {
  return [event.type, ...Object.entries(event).flatMap(([name, value]) => (value === true ? [name] : []))].join(", ");
}
