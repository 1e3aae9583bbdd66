import type { ResultNotKeptError } from "../errors.ts";
import type { DedupKey } from "./identity.ts";
import type { Fence } from "./record.ts";

/**
 * How a finished dispatch was recorded: `confirmed` within its lease; `adopted` after the lease had ended, but before anybody
 * else took the key; `superseded` when somebody did, so that the event may have run twice; `unconfirmed` when the store was out
 * of reach for so long that nobody can say.
 */
export type CommitOutcome = "confirmed" | "adopted" | "superseded" | "unconfirmed";

/** How a commit ended. */
export interface CommitReport {
  readonly commit: CommitOutcome;
  /** There when the result was to be kept and could not be: the commit stands without it. */
  readonly resultError?: ResultNotKeptError;
}

/**
 * The right to dispatch one event, until `signal` aborts. Commit it after the dispatch, or release it when the dispatch
 * failed; disposing one that was neither committed nor released releases it.
 */
export interface Reservation extends AsyncDisposable {
  readonly decision: "unseen";
  /** The event's dedup key; send it downstream as the idempotency key. */
  readonly key: DedupKey;
  /** Grows with every reservation of the key; send it downstream, so that a late writer can be refused. 0 when `unprotected`. */
  readonly fence: Fence;
  /**
   * Higher than 1 when the event may have been dispatched before. 1 does not rule it out: the record of a holder that crashed ends
   * with its lease, and where the event then comes as another message, nobody knows of the first.
   */
  readonly attempt: number;
  readonly owner: string;
  /** Whether the store was out of reach and the dispatch runs without a reservation (`onStoreUnavailable: "dispatch"`). */
  readonly unprotected: boolean;
  /** Aborts, with a {@link ReservationLostError} as reason, before another replica can get the key. */
  readonly signal: AbortSignal;
  /**
   * Records that the dispatch succeeded; once only, later calls answer the same.
   * @throws {LatchkeyError} `reservation-released` after a release.
   */
  commit(result?: unknown): Promise<CommitReport>;
  /** Gives the key back, so that the next delivery is `unseen` again. Never throws; does nothing after a commit. */
  release(): Promise<void>;
}

/** The event was dispatched and committed before. */
export interface Duplicate {
  readonly decision: "duplicate";
  readonly key: DedupKey;
  /** What the dispatch returned, when it was kept. */
  readonly result?: unknown;
  /** When it was committed, by the committer's wall clock, in milliseconds since 1970. */
  readonly committedAt: number;
}

/** Somebody is dispatching the event now. Its delivery must come back: never acknowledge it. */
export interface Pending {
  readonly decision: "pending";
  readonly key: DedupKey;
  readonly owner: string;
  /** When it is worth asking again, in milliseconds: by then the reservation has ended, unless it is renewed. */
  readonly retryAfterMs: number;
}

/** What `reserve` found. */
export type Decision = Reservation | Duplicate | Pending;

/** What `guard` did. */
export type Outcome<Value> =
  | ({ readonly outcome: "dispatched"; readonly key: DedupKey; readonly value: Value } & CommitReport)
  | { readonly outcome: "duplicate"; readonly key: DedupKey; readonly value?: unknown; readonly committedAt: number }
  | { readonly outcome: "pending"; readonly key: DedupKey; readonly owner: string; readonly retryAfterMs: number };
