import type { Deduplicator, Handler } from "../../deduplicator.ts";
import { hasCode } from "../../errors.ts";
import type { CommitOutcome, Outcome, Reservation } from "../../model/decision.ts";
import type { ResolvedIdentity } from "../../model/identity.ts";
import type { ReserveOptions } from "../../options.ts";

/** What a result tells about a reservation, without the reservation: see "What waits is a class instance" in docs/performance.md. */
type ReservationFacts = Pick<Reservation, "attempt" | "fence" | "unprotected">;

/** The handler returned. With `error`, the commit is unconfirmed, or it was committed without the result. */
export interface Dispatched {
  readonly result: "dispatched";
  readonly reservation: ReservationFacts;
  readonly commit: CommitOutcome;
  readonly error: unknown;
}

/** The event was dispatched before. */
export interface DuplicateDispatch {
  readonly result: "duplicate";
  readonly committedAt: number;
  readonly windowEndsAtMs: number | undefined;
  readonly value: unknown;
}

/** Result of one guarded dispatch. */
export type DispatchResult =
  | Dispatched
  /** The handler threw, or released its key. */
  | { readonly result: "failed"; readonly reservation: ReservationFacts; readonly error: unknown }
  | DuplicateDispatch
  | { readonly result: "pending"; readonly retryAfterMs: number }
  /** The handler was not called: the deduplicator threw. */
  | { readonly result: "refused"; readonly error: unknown };

/** Progress of the handler. */
type Progress =
  | { readonly handler: "not called" }
  | { readonly handler: "running" | "returned"; readonly reservation: ReservationFacts };

/**
 * Dispatches an event under a reservation.
 *
 * The progress of the handler decides what an error means. Before the handler is called, the deduplicator refused. While it runs,
 * the dispatch failed. After it returned, the event was dispatched and only its commit is in doubt.
 */
export async function dispatchGuarded(
  dedup: Deduplicator,
  identity: ResolvedIdentity,
  dispatch: Handler<unknown>,
  options: ReserveOptions,
): Promise<DispatchResult> {
  let progress: Progress = { handler: "not called" };
  const handler: Handler<unknown> = async (held) => {
    const reservation = { attempt: held.attempt, fence: held.fence, unprotected: held.unprotected };
    progress = { handler: "running", reservation };
    const value = await dispatch(held);
    progress = { handler: "returned", reservation };
    return value;
  };
  let outcome: Outcome<unknown>;
  try {
    outcome = await dedup.guard(identity, handler, options);
  } catch (error) {
    return resultOfError(progress, error);
  }
  return resultOfOutcome(progress, outcome);
}

function resultOfOutcome(progress: Progress, outcome: Outcome<unknown>): DispatchResult {
  switch (outcome.outcome) {
    case "duplicate":
      return {
        result: "duplicate",
        committedAt: outcome.committedAt,
        windowEndsAtMs: outcome.windowEndsAtMs,
        value: outcome.value,
      };
    case "pending":
      return { result: "pending", retryAfterMs: outcome.retryAfterMs };
    case "dispatched": {
      if (progress.handler !== "returned")
        throw new TypeError("`guard` reported a dispatch without calling the handler");
      const { reservation } = progress;
      return { result: "dispatched", reservation, commit: outcome.commit, error: outcome.resultError };
    }
  }
}

function resultOfError(progress: Progress, error: unknown): DispatchResult {
  if (progress.handler === "not called") return { result: "refused", error };
  const { reservation } = progress;
  // A handler that releases its key and returns asks for another delivery.
  if (progress.handler === "running" || hasCode(error, "reservation-released"))
    return { result: "failed", reservation, error };
  return { result: "dispatched", reservation, commit: "unconfirmed", error };
}
