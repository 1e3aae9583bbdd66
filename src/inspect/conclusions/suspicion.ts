import { span } from "./duration.ts";

/** A reservation with its times, all by one clock. An attempt of the trace is one. */
export interface ReservationTimes {
  readonly attempt: number;
  readonly leaseMs: number;
  /** Time of the earliest known write. */
  readonly beganAtMs: number;
  /** Time of the latest write, which began the current lease. */
  readonly leaseFromMs: number;
  /** Number of renewals, if known. */
  readonly renewals?: number;
  /** Time at which the store removes the record, infinite for never, or `undefined` if unknown. */
  readonly removalDueMs?: number | undefined;
}

/** The current time, and how long the store keeps a reservation after its lease. */
export interface LeaseClock {
  readonly nowMs: number;
  readonly skewMs: number;
}

/** Why a reservation needs attention, most urgent first. */
export const SUSPICIONS = ["overdue", "endless", "silent", "long-held", "retried"] as const;
export type Suspicion = (typeof SUSPICIONS)[number];

/** Number of attempts above which an event needs attention. */
export const MANY_ATTEMPTS = 3;
/** A holder renews after this part of the lease. */
const RENEWAL_PART = 1 / 3;
/** After two thirds, at least one renewal is missing. */
const SILENT_PART = 2 / 3;
/** A server removes an expired record within a quarter of a second. This includes a margin. */
const REMOVAL_SLACK_MS = 5_000;
/** A record outlives its lease by the skew, which is a few seconds. */
const LONGEST_SKEW_MS = 600_000;
const LONG_HELD_MS = 600_000;
const LONG_HELD_LEASES = 10;
const MANY_RENEWALS = 100;

const tests: Readonly<Record<Suspicion, (reservation: ReservationTimes, now: LeaseClock) => boolean>> = {
  overdue: (reservation, { nowMs, skewMs }) => nowMs > leaseEndMs(reservation) + skewMs + REMOVAL_SLACK_MS,
  endless: (reservation) =>
    reservation.removalDueMs !== undefined && reservation.removalDueMs - leaseEndMs(reservation) > LONGEST_SKEW_MS,
  silent: ({ leaseFromMs, leaseMs }, { nowMs }) => nowMs - leaseFromMs > leaseMs * SILENT_PART,
  "long-held": ({ beganAtMs, leaseMs, renewals = 0 }, { nowMs }) => {
    const heldMs = nowMs - beganAtMs;
    const isRenewedOften = renewals >= MANY_RENEWALS || heldMs > leaseMs * RENEWAL_PART * MANY_RENEWALS;
    return isRenewedOften || heldMs > Math.max(LONG_HELD_MS, leaseMs * LONG_HELD_LEASES);
  },
  retried: ({ attempt }) => attempt > MANY_ATTEMPTS,
};

/** Returns the most urgent suspicion about a reservation, or `undefined`. */
export function suspicionOf(reservation: ReservationTimes, now: LeaseClock): Suspicion | undefined {
  return SUSPICIONS.find((suspicion) => tests[suspicion](reservation, now));
}

/** Returns the facts behind a suspicion in a few words: "no renewal for 21 s". */
export function evidenceOf(suspicion: Suspicion, reservation: ReservationTimes, { nowMs }: LeaseClock): string {
  const { attempt, beganAtMs, leaseFromMs, removalDueMs = Number.POSITIVE_INFINITY, renewals } = reservation;
  switch (suspicion) {
    case "overdue":
      return `lease ended ${span(nowMs - leaseEndMs(reservation))} ago`;
    case "endless":
      return Number.isFinite(removalDueMs) ? `removed in ${span(removalDueMs - nowMs)}` : "never removed";
    case "silent":
      return `no renewal for ${span(nowMs - leaseFromMs)}`;
    case "long-held": {
      const held = `held for ${span(nowMs - beganAtMs)}`;
      return renewals === undefined ? held : `${held}, renewed ${renewals}×`;
    }
    case "retried":
      return `attempt ${attempt}`;
  }
}

interface SuspicionWords {
  readonly title: string;
  readonly severity: "warning" | "error";
  /** Meaning, and remedy. */
  readonly advice: string;
}

export const suspicionWords: Readonly<Record<Suspicion, SuspicionWords>> = {
  overdue: {
    title: "Reservation was not removed",
    severity: "error",
    advice: "Its lease is over, but the store keeps it. In a bucket, check `allow_msg_ttl` and the server's version.",
  },
  endless: {
    title: "Reservation does not end with its lease",
    severity: "error",
    advice: "It was written without a time to live. Find its writer, then clear the key.",
  },
  silent: {
    title: "Holder may be gone",
    severity: "error",
    advice: "It missed its renewal, so the replica crashed, hangs, or cannot reach the store.",
  },
  "long-held": {
    title: "Handler has been running for long",
    severity: "warning",
    advice: "Find out what the handler waits for. Ending its process frees the key after the lease.",
  },
  retried: {
    title: `More than ${MANY_ATTEMPTS} attempts`,
    severity: "warning",
    advice: "The handler keeps failing, or its replicas keep crashing. Look at the errors.",
  },
};

function leaseEndMs({ leaseFromMs, leaseMs }: ReservationTimes): number {
  return leaseFromMs + leaseMs;
}
