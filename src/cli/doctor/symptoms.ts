import type { ReservedKey } from "../stored-keys/stored-key.ts";
import { span } from "../terminal/format.ts";

/** Current time of the server, and the time that a reservation outlives its lease. */
export interface Now {
  readonly serverMs: number;
  readonly skewMs: number;
}

/** A symptom of a stuck reservation. */
export interface Symptom {
  readonly check: string;
  readonly severity: "warning" | "error";
  readonly matches: (stored: ReservedKey, now: Now) => boolean;
  /** Sort key: a larger number is worse. */
  readonly rank: (stored: ReservedKey) => number;
  /** Description of one match, and of several. */
  readonly description: readonly [one: string, many: string];
  readonly detail: (stored: ReservedKey, now: Now) => string;
  readonly remedy: string;
}

/** The server removes expired keys within 250 ms. The rest is tolerance. */
const REMOVAL_SLACK_MS = 5_000;
/** Maximum plausible time between the end of a lease and the removal of its reservation. */
const LONGEST_SKEW_MS = 600_000;
const LONG_HELD_MS = 600_000;
/** Minimum number of lease durations that count as long. */
const LONG_HELD_LEASES = 10;
const MANY_ATTEMPTS = 5;

const FREE = "latchkey clear --state reserved removes them";

function isOverdue({ leaseEndsAtMs }: ReservedKey, { serverMs, skewMs }: Now): boolean {
  return serverMs > leaseEndsAtMs + skewMs + REMOVAL_SLACK_MS;
}

export const symptoms: readonly Symptom[] = [
  {
    check: "overdue",
    severity: "error",
    matches: isOverdue,
    rank: ({ leaseEndsAtMs }) => -leaseEndsAtMs,
    description: [
      "reservation expired, but the server still stores it",
      "reservations expired, but the server still stores them",
    ],
    detail: ({ leaseEndsAtMs }, { serverMs }) => `expired ${span(serverMs - leaseEndsAtMs)} ago`,
    remedy: `check \`allow_msg_ttl\` and the server's version; ${FREE}`,
  },
  {
    check: "endless",
    severity: "error",
    matches: (stored, now) =>
      !isOverdue(stored, now) && (stored.endsAtMs ?? Number.POSITIVE_INFINITY) - stored.leaseEndsAtMs > LONGEST_SKEW_MS,
    rank: ({ endsAtMs = Number.MAX_VALUE }) => endsAtMs,
    description: ["reservation does not expire with its lease", "reservations do not expire with their leases"],
    detail: ({ endsAtMs }, { serverMs }) =>
      endsAtMs === undefined ? "never expires" : `expires in ${span(endsAtMs - serverMs)}`,
    remedy: `find the program that wrote them without a TTL; ${FREE}`,
  },
  {
    check: "long reservation",
    severity: "warning",
    matches: (stored, { serverMs }) =>
      serverMs - stored.heldSinceMs > Math.max(LONG_HELD_MS, stored.record.leaseMs * LONG_HELD_LEASES),
    rank: ({ heldSinceMs }) => -heldSinceMs,
    description: ["event has been reserved for a long time", "events have been reserved for a long time"],
    detail: ({ heldSinceMs }, { serverMs }) => `for at least ${span(serverMs - heldSinceMs)}`,
    remedy: "find out what the handler waits for; ending its process frees the key after the lease",
  },
  {
    check: "many attempts",
    severity: "warning",
    matches: ({ record }) => record.attempt >= MANY_ATTEMPTS,
    rank: ({ record }) => record.attempt,
    description: ["event has been attempted many times", "events have been attempted many times"],
    detail: ({ record }) => `attempt ${record.attempt}`,
    remedy: "find out why their dispatches fail or their replicas crash",
  },
];
