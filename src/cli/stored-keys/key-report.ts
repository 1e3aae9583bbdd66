import { evidenceOf, type LeaseClock } from "../../inspect/conclusions/suspicion.ts";
import type { CommittedKey, ListedKey, ReservedKey, StoredKey } from "./stored-key.ts";
import { reservationTimes, suspicionAbout } from "./verdict.ts";

/** Returns a key as JSON output. Reports only whether a result and a fingerprint exist. */
export function keyReport(stored: ListedKey, now: LeaseClock): object {
  const { nowMs } = now;
  const { bucket, subject, revision, storedAtMs, endsAtMs } = stored;
  const times = {
    storedAtMs,
    endsAtMs: endsAtMs ?? null,
    endsInMs: endsAtMs === undefined ? null : endsAtMs - nowMs,
  };
  if (stored.state === "unreadable") {
    return {
      state: stored.state,
      storeKey: stored.key ?? null,
      bucket,
      subject,
      revision,
      ...rounded(times),
      reason: stored.reason,
    };
  }
  const { workspaceId, subscriptionId, eventId, key, idempotencyKey, storeKey } = stored.identity;
  const ids = { workspaceId, subscriptionId, eventId, key, idempotencyKey, storeKey };
  if (stored.state === "failed") {
    const { owner, attempt, fence, error } = stored.failure;
    return { state: stored.state, ...ids, bucket, owner, attempt, fence, revision, ...rounded(times), error };
  }
  const { record, fence } = stored;
  const { owner, attempt, leaseMs } = record;
  const heldTimes =
    stored.state === "reserved"
      ? { leaseLeftMs: stored.leaseEndsAtMs - nowMs, heldMs: nowMs - stored.heldSinceMs }
      : {};
  return {
    state: stored.state,
    ...ids,
    bucket,
    owner,
    attempt,
    fence,
    ...(record.tookOverFrom === undefined ? {} : { tookOverFrom: record.tookOverFrom }),
    revision,
    leaseMs,
    ...rounded({ ...times, ...heldTimes }),
    ...suspicionReport(stored, now),
    hasFingerprint: record.fingerprint !== undefined,
    hasResult: stored.state === "committed" && stored.record.result !== undefined,
  };
}

/** Returns why a reservation needs attention: its name, and the facts behind it. */
function suspicionReport(stored: ReservedKey | CommittedKey, now: LeaseClock): object {
  const suspicion = suspicionAbout(stored, now);
  if (suspicion === undefined || stored.state !== "reserved") return {};
  return { suspicion, evidence: evidenceOf(suspicion, reservationTimes(stored), now) };
}

/** Returns the fingerprint and the result as JSON output. */
export function payloadReport(stored: StoredKey): object {
  if (stored.state === "unreadable") return {};
  const { fingerprint, ...record } = stored.record;
  return { fingerprint: fingerprint ?? null, result: record.state === "committed" ? (record.result ?? null) : null };
}

function rounded(times: Readonly<Record<string, number | null>>): Readonly<Record<string, number | null>> {
  return Object.fromEntries(Object.entries(times).map(([name, ms]) => [name, ms === null ? null : Math.round(ms)]));
}
