import type { StoreKey } from "../../model/identity.ts";
import type { DedupRecord } from "../../model/record.ts";
import { identityOf } from "../../model/record-identity.ts";
import { entryOf } from "../../nats/kv/key-state.ts";
import type { StoredMessage } from "../../nats/kv/stored-message.ts";
import { keyOf } from "../../nats/wire/subject.ts";
import { errorMessage } from "../terminal/error-message.ts";
import type { RecordFields, StoredKey } from "./stored-key.ts";

/** The bucket settings that limit how long a record is stored. */
export interface BucketLimits {
  readonly bucket: string;
  /** Maximum age in milliseconds, or `Infinity`. */
  readonly maxAgeMs: number;
}

/** Parses a stored message, other than a tombstone. Returns unreadable records instead of throwing. */
export function readKey(message: StoredMessage, { bucket, maxAgeMs }: BucketLimits): StoredKey {
  const { subject, revision, storedAtMs, ttlMs = Number.POSITIVE_INFINITY } = message;
  const livesMs = Math.min(ttlMs, maxAgeMs);
  const endsAtMs = livesMs === Number.POSITIVE_INFINITY ? undefined : storedAtMs + livesMs;
  const fields = { bucket, subject, revision, storedAtMs, endsAtMs };
  let key: StoreKey | undefined;
  try {
    key = keyOf(bucket, subject);
    const { record } = entryOf(bucket, key, message.payload, revision);
    return ofRecord(record, { ...fields, key, identity: identityOf(record, key), fence: record.fence || revision });
  } catch (error) {
    return { ...fields, state: "unreadable", key, reason: errorMessage(error) };
  }
}

function ofRecord(record: DedupRecord, fields: RecordFields): StoredKey {
  if (record.state === "committed") return { ...fields, state: "committed", record };
  const { storedAtMs } = fields;
  return {
    ...fields,
    state: "reserved",
    record,
    leaseEndsAtMs: storedAtMs + record.leaseMs,
    heldSinceMs: storedAtMs - (record.heldMs ?? 0),
  };
}
