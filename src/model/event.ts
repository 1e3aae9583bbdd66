import type { LossReason } from "../errors.ts";
import type { ResolvedIdentity } from "./identity.ts";
import type { Fence } from "./record.ts";
import type { Revision } from "./store.ts";

export interface DedupEventFields {
  readonly identity: ResolvedIdentity;
  /** The replica that the step is about: this one, except in `duplicate` and `pending`. */
  readonly owner: string;
  readonly attempt: number;
  /** 0 when there is none. */
  readonly fence: Fence;
  /** The revision that the step read or wrote; 0 when there is none. */
  readonly revision: Revision;
  /** Milliseconds since 1970, by this replica's wall clock. */
  readonly atMs: number;
  /** Milliseconds since this replica began to work on the delivery. */
  readonly durationMs: number;
}

/** What a step says beyond the fields that all have. */
export type DedupEventDetail =
  | { readonly type: "reserved"; readonly leaseMs: number }
  | { readonly type: "renewed"; readonly leaseMs: number }
  /** The handler returned. */
  | { readonly type: "dispatched" }
  /** The handler threw. */
  | { readonly type: "failed"; readonly error: unknown }
  | { readonly type: "committed"; readonly commit: "confirmed" | "adopted" }
  /** The handler returned, but another replica had taken the key: the event may have run twice. */
  | { readonly type: "superseded" }
  /** The handler returned, and the store was out of reach for so long that nobody knows whether the commit stands. */
  | { readonly type: "unconfirmed"; readonly error: unknown }
  /** `left: "reservation"` when the store could not remove it: it ends with its lease. */
  | { readonly type: "released"; readonly left: "nothing" | "reservation" }
  /** The handler's signal was aborted. */
  | { readonly type: "expired"; readonly reason: LossReason }
  | { readonly type: "duplicate"; readonly committedAt: number }
  | { readonly type: "pending"; readonly retryAfterMs: number }
  /** The handler runs without a reservation, because the store is out of reach. */
  | { readonly type: "unprotected"; readonly error: unknown }
  | { readonly type: "store-unavailable"; readonly ambiguous: boolean; readonly error: unknown }
  /** The commit stands without the handler's result. */
  | { readonly type: "result-not-kept"; readonly error: unknown };

/** What happened to a delivery of an event, step by step: all that logs, metrics and the inspector read. */
export type DedupEvent = DedupEventFields & DedupEventDetail;

/** The names of all steps. */
export type DedupEventType = DedupEvent["type"];
