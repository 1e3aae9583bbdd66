import type { DedupEvent } from "../../model/event.ts";

/**
 * What a step says: what a deduplicator tells; then what is inferred, `lapsed`, a lease ended and nobody renewed it, and `cleared`,
 * somebody removed what the key held; then what only a recorded run knows.
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
  "put-back",
  "frozen",
  "crashed",
  "fault",
] as const;

export type TraceType = (typeof TRACE_TYPES)[number];

/** Which event, and where the store keeps its key. */
export interface EventRef {
  readonly storeKey: string;
  readonly workspaceId: string;
  readonly subscriptionId: string;
  readonly eventId: string;
}

/** A step as the inspector keeps and shows it: numbers and short texts, nothing of the event's payload. */
export interface TraceEvent {
  readonly type: TraceType;
  readonly identity: EventRef;
  /** Milliseconds since 1970, or since the beginning of a simulated run. */
  readonly atMs: number;
  /** The replica on which it happened. */
  readonly replica: string;
  /** The replica that holds the key, or committed it. */
  readonly owner: string;
  readonly attempt: number;
  /** 0 when there is none. */
  readonly fence: number;
  /** The revision that was read or written; 0 when there is none. */
  readonly revision: number;
  /** Since the replica began to work on the delivery, or since the reservation; 0 when nobody knows. */
  readonly durationMs: number;
  /**
   * A length of time that belongs to the step, in milliseconds: the lease of `reserved` and `renewed`, how soon to ask again of
   * `pending`, how long ago it was committed of `duplicate`; 0 otherwise.
   */
  readonly forMs: number;
  /** The error, the reason, or the way in which it ended; empty when there is nothing to say. */
  readonly cause: string;
}

/** Translates what the deduplicator of a replica tells. Gives the same object every time, for whoever takes what it needs at once. */
export function tracer(replica: string): (step: DedupEvent) => TraceEvent {
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
  return (step) => {
    traced.type = step.type;
    traced.identity = step.identity;
    traced.atMs = step.atMs;
    traced.owner = step.owner;
    traced.attempt = step.attempt;
    traced.fence = step.fence;
    traced.revision = step.revision;
    traced.durationMs = step.durationMs;
    traced.forMs = lengthOf(step);
    traced.cause = causeOf(step);
    return traced;
  };
}

function lengthOf(step: DedupEvent): number {
  switch (step.type) {
    case "reserved":
    case "renewed":
      return step.leaseMs;
    case "pending":
      return step.retryAfterMs;
    case "duplicate":
      return Math.max(0, step.atMs - step.committedAt);
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

function causeOf(step: DedupEvent): string {
  switch (step.type) {
    case "committed":
      return step.commit;
    case "released":
      return step.left === "nothing" ? "" : "left to expire";
    case "expired":
      return step.reason;
    case "failed":
    case "unconfirmed":
    case "unprotected":
    case "store-unavailable":
    case "result-not-kept":
      return errorText(step.error);
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

/** The first line of an error, shortened: for people, and nothing of what else hangs on it. */
export function errorText(error: unknown): string {
  const text = error instanceof Error ? `${error.name}: ${error.message}` : typeof error === "string" ? error : "";
  const line = text.split("\n", 1)[0] ?? "";
  return line.length > LONGEST_CAUSE ? `${line.slice(0, LONGEST_CAUSE)}…` : line;
}
