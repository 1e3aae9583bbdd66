import type { StoredKey } from "./stored-key.ts";

/** What a script is told of a key; of a result and a fingerprint, only that there is one. */
export function keyReport(kept: StoredKey, serverMs: number): object {
  const { bucket, subject, revision, storedAtMs, endsAtMs } = kept;
  const times = {
    storedAtMs,
    endsAtMs: endsAtMs ?? null,
    endsInMs: endsAtMs === undefined ? null : endsAtMs - serverMs,
  };
  if (kept.state === "unreadable") {
    return {
      state: kept.state,
      storeKey: kept.key ?? null,
      bucket,
      subject,
      revision,
      ...rounded(times),
      reason: kept.reason,
    };
  }
  const { identity, record, fence } = kept;
  const { workspaceId, subscriptionId, eventId, key, storeKey } = identity;
  const { owner, attempt, leaseMs } = record;
  const heldTimes =
    kept.state === "reserved"
      ? { leaseLeftMs: kept.leaseEndsAtMs - serverMs, heldMs: serverMs - kept.heldSinceMs }
      : {};
  return {
    state: kept.state,
    workspaceId,
    subscriptionId,
    eventId,
    key,
    storeKey,
    bucket,
    owner,
    attempt,
    fence,
    revision,
    leaseMs,
    ...rounded({ ...times, ...heldTimes }),
    hasFingerprint: record.fingerprint !== undefined,
    hasResult: kept.state === "committed" && kept.record.result !== undefined,
  };
}

/** The rest of it, where it is asked for. */
export function payloadReport(kept: StoredKey): object {
  if (kept.state === "unreadable") return {};
  const { fingerprint, ...record } = kept.record;
  return { fingerprint: fingerprint ?? null, result: record.state === "committed" ? (record.result ?? null) : null };
}

function rounded(times: Readonly<Record<string, number | null>>): Readonly<Record<string, number | null>> {
  return Object.fromEntries(Object.entries(times).map(([name, ms]) => [name, ms === null ? null : Math.round(ms)]));
}
