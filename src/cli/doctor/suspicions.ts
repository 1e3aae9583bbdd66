import type { ReservedKey } from "../bucket/stored-key.ts";
import { span } from "../terminal/style.ts";

/** By whose clock, and how much longer than its lease a reservation is kept. */
export interface Now {
  readonly serverMs: number;
  readonly skewMs: number;
}

/** Why a reservation draws attention. */
export interface Suspicion {
  readonly check: string;
  readonly severity: "warning" | "error";
  readonly isSuspect: (kept: ReservedKey, now: Now) => boolean;
  /** The larger the worse. */
  readonly badness: (kept: ReservedKey) => number;
  /** Of one, and of many. */
  readonly what: readonly [one: string, many: string];
  readonly detail: (kept: ReservedKey, now: Now) => string;
  readonly remedy: string;
}

/** A server removes what has ended within a quarter of a second; a little more is no sign of anything. */
const REMOVAL_SLACK_MS = 5_000;
/** A reservation lives for its lease and the skew, which is some seconds. */
const LONGEST_SKEW_MS = 600_000;
const LONG_HELD_MS = 600_000;
/** Where leases are very long, so is the time that is not long. */
const LONG_HELD_LEASES = 10;
const MANY_ATTEMPTS = 5;

const FREE = "latchkey clear --state reserved frees them";

function isOverdue({ leaseEndsAtMs }: ReservedKey, { serverMs, skewMs }: Now): boolean {
  return serverMs > leaseEndsAtMs + skewMs + REMOVAL_SLACK_MS;
}

export const suspicions: readonly Suspicion[] = [
  {
    check: "overdue",
    severity: "error",
    isSuspect: isOverdue,
    badness: ({ leaseEndsAtMs }) => -leaseEndsAtMs,
    what: ["reservation has ended, but the server keeps it", "reservations have ended, but the server keeps them"],
    detail: ({ leaseEndsAtMs }, { serverMs }) => `over since ${span(serverMs - leaseEndsAtMs)}`,
    remedy: `look at \`allow_msg_ttl\` and the server's version; ${FREE}`,
  },
  {
    check: "endless",
    severity: "error",
    isSuspect: (kept, now) =>
      !isOverdue(kept, now) && (kept.endsAtMs ?? Number.POSITIVE_INFINITY) - kept.leaseEndsAtMs > LONGEST_SKEW_MS,
    badness: ({ endsAtMs = Number.MAX_VALUE }) => endsAtMs,
    what: ["reservation does not end with its lease", "reservations do not end with their leases"],
    detail: ({ endsAtMs }, { serverMs }) =>
      endsAtMs === undefined ? "never ends" : `ends in ${span(endsAtMs - serverMs)}`,
    remedy: `find out who wrote them without a time to live; ${FREE}`,
  },
  {
    check: "held for long",
    severity: "warning",
    isSuspect: (kept, { serverMs }) =>
      serverMs - kept.heldSinceMs > Math.max(LONG_HELD_MS, kept.record.leaseMs * LONG_HELD_LEASES),
    badness: ({ heldSinceMs }) => -heldSinceMs,
    what: ["event has been held for long", "events have been held for long"],
    detail: ({ heldSinceMs }, { serverMs }) => `for ${span(serverMs - heldSinceMs)} at least`,
    remedy: "see what the handler there waits for; ending that process frees them after the lease",
  },
  {
    check: "often tried",
    severity: "warning",
    isSuspect: ({ record }) => record.attempt >= MANY_ATTEMPTS,
    badness: ({ record }) => record.attempt,
    what: ["event is tried again and again", "events are tried again and again"],
    detail: ({ record }) => `attempt ${record.attempt}`,
    remedy: "see why their dispatches fail, or their replicas die",
  },
];
