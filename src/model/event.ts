import type { LossReason } from "../errors.ts";
import type { ResolvedIdentity } from "./identity.ts";
import type { Fence } from "./record.ts";
import type { Revision } from "./store.ts";

/** Fields of every event. */
export interface DedupEventFields {
  /** Identity of the event that was delivered. */
  readonly identity: ResolvedIdentity;
  /** Replica that the event is about: this one, except in `duplicate` and `pending`. */
  readonly owner: string;
  /** Number of the attempt, counting from 1. */
  readonly attempt: number;
  /** Fencing token; 0 if there is none. */
  readonly fence: Fence;
  /** Revision that was read or written; 0 if there is none. */
  readonly revision: Revision;
  /** Time by this replica's wall clock, in milliseconds since 1970. */
  readonly atMs: number;
  /** Time since this replica began to work on the delivery, in milliseconds. */
  readonly durationMs: number;
}

/** Type of an event, with its additional fields. */
export type DedupEventDetail =
  | { readonly type: "reserved"; readonly leaseMs: number }
  | { readonly type: "renewed"; readonly leaseMs: number }
  /** The handler returned. */
  | { readonly type: "dispatched" }
  /** The handler threw. */
  | { readonly type: "failed"; readonly error: unknown }
  | { readonly type: "committed"; readonly commit: "confirmed" | "adopted" }
  /** The handler returned after another replica took the key: the event may have run twice. */
  | { readonly type: "superseded" }
  /** The handler returned, and the store was unreachable for too long: the commit's result is unknown. */
  | { readonly type: "unconfirmed"; readonly error: unknown }
  /** `left: "reservation"` if the store could not remove it: it ends with its lease. */
  | { readonly type: "released"; readonly left: "nothing" | "reservation" }
  /** The handler's signal aborted. */
  | { readonly type: "expired"; readonly reason: LossReason }
  | { readonly type: "duplicate"; readonly committedAt: number }
  | { readonly type: "pending"; readonly retryAfterMs: number }
  /** The handler runs without a reservation because the store is unreachable. */
  | { readonly type: "unprotected"; readonly error: unknown }
  | { readonly type: "store-unavailable"; readonly ambiguous: boolean; readonly error: unknown }
  /** The key is committed without the handler's result. */
  | { readonly type: "result-not-kept"; readonly error: unknown };

/** Progress of one delivery of an event. Logs, metrics and the inspector read these events. */
export type DedupEvent = DedupEventFields & DedupEventDetail;

/** Types of all events. */
export type DedupEventType = DedupEvent["type"];
