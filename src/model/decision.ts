import type { ResultNotKeptError } from "../errors.ts";
import type { DedupKey } from "./dedup-key.ts";
import type { Fence } from "./record.ts";

/**
 * Outcome of the commit of a finished dispatch:
 * - `confirmed`: sent while the reservation was held, and acknowledged;
 * - `adopted`: committed after the reservation was lost, or without one, and before another replica took the key;
 * - `superseded`: another replica took the key, or it was cleared: the event may have run twice, or may run again;
 * - `unconfirmed`: the store was unreachable for too long, so the result is unknown. This process commits the key at the next delivery.
 */
export type CommitOutcome = "confirmed" | "adopted" | "superseded" | "unconfirmed";

/** Result of a commit. */
export interface CommitReport {
  /** Outcome of the commit. */
  readonly commit: CommitOutcome;
  /** Present if the handler's result could not be kept. The commit exists without it. */
  readonly resultError?: ResultNotKeptError;
}

/**
 * The right to dispatch one event until `signal` aborts. Commit it after the dispatch, or release it if the dispatch failed.
 * Disposing an open reservation releases it.
 */
export interface Reservation extends AsyncDisposable {
  /** The event is new, and the caller may dispatch it. */
  readonly decision: "unseen";
  /** Dedup key of the event. */
  readonly key: DedupKey;
  /** Dedup key, scoped to the tenant: send it downstream as the idempotency key. Equal for every attempt. */
  readonly idempotencyKey: DedupKey;
  /** Fencing token. Rises with every reservation of the key; 0 if `unprotected`. Send it downstream to fence late writers. */
  readonly fence: Fence;
  /**
   * Number of this attempt, counting from 1. A higher number means that the event may have been dispatched before.
   * 1 does not rule that out: the record of a crashed holder expires with its lease.
   */
  readonly attempt: number;
  /** Name of this replica. */
  readonly owner: string;
  /** True if the store was unreachable and the dispatch runs without a reservation (`onStoreUnavailable: "dispatch"`). */
  readonly unprotected: boolean;
  /** Aborts with a {@link ReservationLostError} as its reason, before another replica can get the key. */
  readonly signal: AbortSignal;
  /**
   * Commits the key: the dispatch succeeded. Later calls return the same report.
   * @throws {LatchkeyError} `reservation-released` after a release.
   */
  commit(result?: unknown): Promise<CommitReport>;
  /** Releases the key: the next delivery is `unseen` again. Never throws. Does nothing after a commit. */
  release(): Promise<void>;
}

/** Decision for an event that was dispatched and committed before. */
export interface Duplicate {
  /** The event was dispatched before. */
  readonly decision: "duplicate";
  /** Dedup key of the event. */
  readonly key: DedupKey;
  /** Return value of the dispatch, if it was kept. */
  readonly result?: unknown;
  /** Time of the commit by the committer's wall clock, in milliseconds since 1970. */
  readonly committedAt: number;
  /**
   * End of the window, in milliseconds since 1970, by the clock of the store, or of this replica for a commit of its own. Copies that
   * arrive later are dispatched again. Missing if the store does not report it.
   */
  readonly windowEndsAtMs?: number;
}

/** Decision for an event that is being dispatched. Its delivery must come back: never acknowledge it. */
export interface Pending {
  /** The event is being dispatched. */
  readonly decision: "pending";
  /** Dedup key of the event. */
  readonly key: DedupKey;
  /** Name of the replica that holds the reservation. */
  readonly owner: string;
  /** Time until the reservation ends unless it is renewed, in milliseconds. */
  readonly retryAfterMs: number;
}

/** Result of `reserve`. */
export type Decision = Reservation | Duplicate | Pending;

/** Result of `guard`. */
export type Outcome<Value> =
  | ({ readonly outcome: "dispatched"; readonly key: DedupKey; readonly value: Value } & CommitReport)
  | {
      readonly outcome: "duplicate";
      readonly key: DedupKey;
      readonly value?: unknown;
      readonly committedAt: number;
      readonly windowEndsAtMs?: number;
    }
  | { readonly outcome: "pending"; readonly key: DedupKey; readonly owner: string; readonly retryAfterMs: number };
