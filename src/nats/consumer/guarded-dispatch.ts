import type { Deduplicator, Handler } from "../../deduplicator.ts";
import { hasCode } from "../../errors.ts";
import type { CommitOutcome, Outcome, Reservation } from "../../model/decision.ts";
import type { ResolvedIdentity } from "../../model/identity.ts";
import type { ReserveOptions } from "../../options.ts";

/** The handler returned. With `error`, the commit is unconfirmed, or it was committed without the result. */
export interface Dispatched {
  readonly result: "dispatched";
  readonly reservation: Reservation;
  readonly value: unknown;
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
  | { readonly result: "failed"; readonly reservation: Reservation; readonly error: unknown }
  | DuplicateDispatch
  | { readonly result: "pending"; readonly retryAfterMs: number }
  /** The handler was not called: the deduplicator threw. */
  | { readonly result: "refused"; readonly error: unknown };

/** Progress of the handler. */
type Progress =
  | { readonly handler: "not called" }
  | { readonly handler: "running"; readonly reservation: Reservation }
  | { readonly handler: "returned"; readonly reservation: Reservation; readonly value: unknown };

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
  const progress: { at: Progress } = { at: { handler: "not called" } };
  const handler: Handler<unknown> = async (reservation) => {
    progress.at = { handler: "running", reservation };
    const value = await dispatch(reservation);
    progress.at = { handler: "returned", reservation, value };
    return value;
  };
  let outcome: Outcome<unknown>;
  try {
    outcome = await dedup.guard(identity, handler, options);
  } catch (error) {
    return resultOfError(progress.at, error);
  }
  return resultOfOutcome(progress.at, outcome);
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
      const { reservation, value } = progress;
      return { result: "dispatched", reservation, value, commit: outcome.commit, error: outcome.resultError };
    }
  }
}

function resultOfError(progress: Progress, error: unknown): DispatchResult {
  if (progress.handler === "not called") return { result: "refused", error };
  const { reservation } = progress;
  // A handler that releases its key and returns asks for another delivery.
  if (progress.handler === "running" || hasCode(error, "reservation-released"))
    return { result: "failed", reservation, error };
  return { result: "dispatched", reservation, value: progress.value, commit: "unconfirmed", error };
}
