import { optionsFromEnv } from "../../env.ts";
import {
  type LeaseClock,
  type ReservationTimes,
  type Suspicion,
  suspicionOf,
} from "../../inspect/conclusions/suspicion.ts";
import { type FailureFacts, type KeyContent, type NextDelivery, verdictOf } from "../../inspect/conclusions/verdict.ts";
import { DEFAULT_SKEW_MS } from "../../options.ts";
import { asCommandError } from "../terminal/command-error.ts";
import type { CliIo } from "../terminal/io.ts";
import { escaped } from "../terminal/printable.ts";
import type { ListedKey, RemovedKey, ReservedKey } from "./stored-key.ts";

/** The inspector's verdict on a key, as JSON output names its parts. */
export interface KeyVerdict {
  /** Outcome of the next delivery. `none` means that the key belongs to no event. */
  readonly delivery: NextDelivery | "none";
  /** Full sentences, safe to print. */
  readonly explanation: string;
}

/** Concludes from the content of a key, as the inspector does. */
export function verdictAbout(stored: ListedKey | RemovedKey | undefined, now: LeaseClock): KeyVerdict {
  if (stored?.state === "unreadable" && stored.key === undefined) {
    return { delivery: "none", explanation: `The key belongs to no event. ${escaped(stored.reason)}.` };
  }
  const { next, text } = verdictOf(contentOf(stored), now);
  return { delivery: next, explanation: text };
}

/** Returns why a key needs attention, or `undefined`. */
export function suspicionAbout(stored: ListedKey, now: LeaseClock): Suspicion | undefined {
  return stored.state === "reserved" ? suspicionOf(reservationTimes(stored), now) : undefined;
}

/** Returns the times of a reservation by the server's clock. The number of renewals is not stored. */
export function reservationTimes({ record, heldSinceMs, storedAtMs, endsAtMs }: ReservedKey): ReservationTimes {
  const { attempt, leaseMs } = record;
  const removalDueMs = endsAtMs ?? Number.POSITIVE_INFINITY;
  return { attempt, leaseMs, beganAtMs: heldSinceMs, leaseFromMs: storedAtMs, removalDueMs };
}

/**
 * Returns how long a reservation outlives its lease: the replicas' setting in the environment, or the default.
 * @throws {CommandError} for an invalid variable.
 */
export function skewFrom({ env }: Pick<CliIo, "env">): number {
  return asCommandError(() => optionsFromEnv(env)).skewMs ?? DEFAULT_SKEW_MS;
}

function contentOf(stored: ListedKey | RemovedKey | undefined): KeyContent {
  switch (stored?.state) {
    case undefined:
      return { state: "empty" };
    case "removed":
      return { state: "removed", removedAtMs: stored.storedAtMs };
    case "failed":
      return { state: "removed", removedAtMs: stored.storedAtMs, failure: printableFailure(stored.failure) };
    case "unreadable":
      return { state: "unreadable", reason: escaped(stored.reason) };
    case "committed": {
      const { record, storedAtMs, endsAtMs } = stored;
      const windowEndMs = endsAtMs ?? Number.POSITIVE_INFINITY;
      const owner = escaped(record.owner);
      return { state: "committed", owner, attempt: record.attempt, committedAtMs: storedAtMs, windowEndMs };
    }
    case "reserved":
      return { state: "reserved", owner: escaped(stored.record.owner), ...reservationTimes(stored) };
  }
}

function printableFailure(failure: FailureFacts): FailureFacts {
  return { ...failure, owner: escaped(failure.owner), error: escaped(failure.error) };
}
