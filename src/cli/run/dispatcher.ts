import { LatchkeyError, PermanentError } from "../../errors.ts";
import type { Clock } from "../../internal/clock.ts";
import type { Reservation } from "../../model/decision.ts";
import { startDeadline } from "./deadline.ts";
import type { IncomingEvent } from "./event/incoming-event.ts";
import { type EventFailure, failureText } from "./failure.ts";
import { isPermanent, type Target, type TargetFailure } from "./target/target.ts";

/** Target and settings of the dispatches of a run. */
export interface RunDispatch {
  readonly target: Target;
  readonly workspaceId: string;
  readonly subscriptionId: string;
  readonly timeoutMs: number;
  readonly clock: Clock;
}

/** Carries the failure of a dispatch through `guard`. */
export class DispatchFailedError extends Error {
  override readonly name: string = "DispatchFailedError";
  readonly failure: TargetFailure;

  constructor(failure: TargetFailure) {
    super(failureText(failure));
    this.failure = failure;
  }
}

/**
 * Dispatches an event until the time limit, the end of its reservation, or `abort`.
 * @throws {DispatchFailedError} as the cause of a {@link PermanentError} if a retry cannot succeed.
 */
export async function dispatchEvent(
  event: IncomingEvent,
  reservation: Reservation,
  abort: AbortSignal,
  { target, workspaceId, subscriptionId, timeoutMs, clock }: RunDispatch,
): Promise<void> {
  using deadline = startDeadline(clock, timeoutMs, [reservation.signal, abort]);
  const { idempotencyKey, fence, attempt } = reservation;
  const found = await target.dispatch(event, {
    ...{ idempotencyKey, fence, attempt, workspaceId, subscriptionId },
    signal: deadline.signal,
  });
  if (found === undefined) return;
  const failure: TargetFailure = deadline.hasPassed ? { failure: "timeout", timeoutMs, of: target.kind } : found;
  const error = new DispatchFailedError(failure);
  throw isPermanent(failure) ? new PermanentError(error.message, { cause: error }) : error;
}

/** Returns the failure of a dispatch. Rethrows other errors. */
export function failureOf(error: unknown): EventFailure {
  if (error instanceof DispatchFailedError) return error.failure;
  if (error instanceof PermanentError && error.cause instanceof DispatchFailedError) return error.cause.failure;
  if (error instanceof LatchkeyError) return { failure: "latchkey", code: error.code, message: error.message };
  throw error;
}

/** Returns true if a retry can succeed. */
export function isWorthRetrying(failure: EventFailure): boolean {
  return failure.failure === "latchkey" ? failure.code === "store-unavailable" : !isPermanent(failure);
}
