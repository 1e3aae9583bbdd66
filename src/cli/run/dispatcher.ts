import { LatchkeyError, PermanentError } from "../../errors.ts";
import type { Clock } from "../../internal/clock.ts";
import type { Reservation } from "../../model/decision.ts";
import { failureSentence } from "../terminal/sentences.ts";
import { startDeadline } from "./deadline.ts";
import type { IncomingEvent } from "./incoming.ts";
import type { Failure } from "./results.ts";
import { type DispatchFailure, isPermanent, type Target } from "./target.ts";

/** How every event of a run is handed over. */
export interface Dispatcher {
  readonly target: Target;
  readonly subscriptionId: string;
  readonly timeoutMs: number;
  readonly clock: Clock;
}

/** Carries the failure of a dispatch through `guard`, which releases the key. */
export class DispatchFailedError extends Error {
  override readonly name: string = "DispatchFailedError";
  readonly failure: DispatchFailure;

  constructor(failure: DispatchFailure) {
    super(failureSentence(failure));
    this.failure = failure;
  }
}

/**
 * Hands an event over, while its reservation lasts and `abort` does not end it.
 * @throws {DispatchFailedError} and as {@link Target}; as the cause of a {@link PermanentError} when no other try can help.
 */
export async function dispatchEvent(
  event: IncomingEvent,
  reservation: Reservation,
  abort: AbortSignal,
  { target, subscriptionId, timeoutMs, clock }: Dispatcher,
): Promise<void> {
  using deadline = startDeadline(clock, timeoutMs, [reservation.signal, abort]);
  const { key, fence, attempt } = reservation;
  const found = await target.dispatch(event, { key, fence, attempt, subscriptionId, signal: deadline.signal });
  if (found === undefined) return;
  const failure: DispatchFailure = deadline.hasPassed ? { failure: "timeout", timeoutMs } : found;
  const error = new DispatchFailedError(failure);
  throw isPermanent(failure) ? new PermanentError(error.message, { cause: error }) : error;
}

/** @throws what is none of the failures that a dispatch can have. */
export function failureOf(error: unknown): Failure {
  if (error instanceof DispatchFailedError) return error.failure;
  if (error instanceof PermanentError && error.cause instanceof DispatchFailedError) return error.cause.failure;
  if (error instanceof LatchkeyError) return { failure: "latchkey", code: error.code, message: error.message };
  throw error;
}

/** Whether another try can help. */
export function isWorthRetrying(failure: Failure): boolean {
  return failure.failure === "latchkey" ? failure.code === "store-unavailable" : !isPermanent(failure);
}
