import { firstLine } from "../../internal/first-line.ts";
import type { DedupEvent } from "../../model/event.ts";

/**
 * Types of trace events, in three groups:
 * - events of a deduplicator;
 * - inferred events: a lease ended without a renewal (`lapsed`), or an operator cleared a key (`cleared`);
 * - events that only a recorded run contains.
 */
export const TRACE_TYPES = [
  "reserved",
  "renewed",
  "dispatched",
  "failed",
  "committed",
  "superseded",
  "unconfirmed",
  "released",
  "expired",
  "duplicate",
  "pending",
  "unprotected",
  "store-unavailable",
  "result-not-kept",
  "lapsed",
  "cleared",
  "delivered",
  "began",
  "acknowledged",
  "nak",
  "frozen",
  "crashed",
  "fault",
] as const;

export type TraceType = (typeof TRACE_TYPES)[number];

/** The identity of an event, and the key of its record in the store. */
export interface KeyedIdentity {
  readonly storeKey: string;
  readonly workspaceId: string;
  readonly subscriptionId: string;
  readonly eventId: string;
}

/** An event of the trace, as the inspector keeps and shows it. It contains no part of a payload or result. */
export interface TraceEvent {
  readonly type: TraceType;
  readonly identity: KeyedIdentity;
  /** Milliseconds since 1970, or since the start of a simulated run. */
  readonly atMs: number;
  /** The replica on which it happened. */
  readonly replica: string;
  /** The replica that holds the key, or committed it. */
  readonly owner: string;
  readonly attempt: number;
  /** Fencing token, or 0. */
  readonly fence: number;
  /** Revision that was read or written, or 0. */
  readonly revision: number;
  /** Time since the delivery or the reservation, in milliseconds, or 0 if unknown. */
  readonly durationMs: number;
  /**
   * Duration that the event reports, in milliseconds; 0 for other types:
   * - `reserved` and `renewed`: the lease;
   * - `pending` and `nak`: the retry delay;
   * - `duplicate`: the age of the commit.
   */
  readonly forMs: number;
  /** The error, the reason, or the kind of commit; may be empty. */
  readonly cause: string;
}

/** Returns a translation of one replica's events. It reuses one object, so the caller must copy what it keeps. */
export function tracer(replica: string): (event: DedupEvent) => TraceEvent {
  const traced: { -readonly [Field in keyof TraceEvent]: TraceEvent[Field] } = {
    type: "reserved",
    identity: { storeKey: "", workspaceId: "", subscriptionId: "", eventId: "" },
    atMs: 0,
    replica,
    owner: replica,
    attempt: 0,
    fence: 0,
    revision: 0,
    durationMs: 0,
    forMs: 0,
    cause: "",
  };
  return (event) => {
    traced.type = event.type;
    traced.identity = event.identity;
    traced.atMs = event.atMs;
    traced.owner = event.owner;
    traced.attempt = event.attempt;
    traced.fence = event.fence;
    traced.revision = event.revision;
    traced.durationMs = event.durationMs;
    traced.forMs = reportedMs(event);
    traced.cause = causeOf(event);
    return traced;
  };
}

function reportedMs(event: DedupEvent): number {
  switch (event.type) {
    case "reserved":
    case "renewed":
      return event.leaseMs;
    case "pending":
      return event.retryAfterMs;
    case "duplicate":
      return Math.max(0, event.atMs - event.committedAt);
    case "dispatched":
    case "failed":
    case "committed":
    case "superseded":
    case "unconfirmed":
    case "released":
    case "expired":
    case "unprotected":
    case "store-unavailable":
    case "result-not-kept":
      return 0;
  }
}

function causeOf(event: DedupEvent): string {
  switch (event.type) {
    case "committed":
      return event.commit;
    case "released":
      return event.left === "nothing" ? "" : "left to expire";
    case "expired":
      return event.reason;
    case "failed":
    case "unconfirmed":
    case "unprotected":
    case "store-unavailable":
    case "result-not-kept":
      return errorText(event.error);
    case "reserved":
    case "renewed":
    case "dispatched":
    case "superseded":
    case "duplicate":
    case "pending":
      return "";
  }
}

const LONGEST_CAUSE = 200;

/** Returns the first line of an error, shortened. It omits the stack, the cause and other fields. */
export function errorText(error: unknown): string {
  const text = error instanceof Error ? `${error.name}: ${error.message}` : typeof error === "string" ? error : "";
  const line = firstLine(text);
  return line.length > LONGEST_CAUSE ? `${line.slice(0, LONGEST_CAUSE)}…` : line;
}
