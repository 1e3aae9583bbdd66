import type { StoreKey } from "../../model/identity.ts";
import { type DedupRecord, decodeRecord } from "../../model/record.ts";
import { identityOf } from "../../model/record-identity.ts";
import type { StoredMessage } from "../../nats/kv/stored-message.ts";
import { errorMessage } from "../terminal/error-message.ts";
import type { RecordFields, StoredKey } from "./stored-key.ts";

/** Describes the bucket or table that holds the records. */
export interface RecordSource {
  readonly bucket: string;
  /** Name of the place, for errors: `bucket dedup`. */
  readonly title: string;
  /** Returns the key of a subject. @throws {RecordUnreadableError} if the subject does not contain a key. */
  readonly keyOf: (subject: string) => StoreKey;
  /** Maximum age in milliseconds, or `Infinity`. */
  readonly maxAgeMs: number;
}

/** Parses a stored message, other than a tombstone. Returns unreadable records instead of throwing. */
export function readKey(message: StoredMessage, { bucket, title, keyOf, maxAgeMs }: RecordSource): StoredKey {
  const { subject, revision, storedAtMs, ttlMs = Number.POSITIVE_INFINITY } = message;
  const livesMs = Math.min(ttlMs, maxAgeMs);
  const endsAtMs = livesMs === Number.POSITIVE_INFINITY ? undefined : storedAtMs + livesMs;
  const fields = { bucket, subject, revision, storedAtMs, endsAtMs };
  let key: StoreKey | undefined;
  try {
    key = keyOf(subject);
    const record = decodeRecord(message.payload, `${key} in ${title}`);
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
