import { heldSinceMs } from "../../inspect/conclusions/held-since.ts";
import { errorMessage } from "../../internal/error-message.ts";
import { decodeFailure } from "../../model/failure.ts";
import type { StoreKey } from "../../model/identity.ts";
import { type DedupRecord, decodeRecord } from "../../model/record.ts";
import { identityOf } from "../../model/record-identity.ts";
import type { StoredMessage } from "../../nats/kv/stored-message.ts";
import type { FailedKey, RecordFields, StoredKey } from "./stored-key.ts";

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
export function readKey(message: StoredMessage, source: RecordSource): StoredKey {
  const { title, keyOf } = source;
  const { subject, revision } = message;
  const fields = fieldsOf(message, source);
  let key: StoreKey | undefined;
  try {
    key = keyOf(subject);
    const record = decodeRecord(message.payload, `${key} in ${title}`);
    return ofRecord(record, { ...fields, key, identity: identityOf(record, key), fence: record.fence || revision });
  } catch (error) {
    return { ...fields, state: "unreadable", key, reason: errorMessage(error) };
  }
}

/** Parses a tombstone. Returns undefined unless it remembers a failed dispatch of the key's event. */
export function readFailedKey(message: StoredMessage, source: RecordSource): FailedKey | undefined {
  const failure = decodeFailure(message.payload);
  if (failure === undefined) return undefined;
  try {
    const key = source.keyOf(message.subject);
    return { ...fieldsOf(message, source), state: "failed", key, identity: identityOf(failure, key), failure };
  } catch {
    return undefined;
  }
}

function fieldsOf(
  { subject, revision, storedAtMs, ttlMs = Number.POSITIVE_INFINITY }: StoredMessage,
  { bucket, maxAgeMs }: RecordSource,
): Pick<StoredKey, "bucket" | "subject" | "revision" | "storedAtMs" | "endsAtMs"> {
  const livesMs = Math.min(ttlMs, maxAgeMs);
  const endsAtMs = livesMs === Number.POSITIVE_INFINITY ? undefined : storedAtMs + livesMs;
  return { bucket, subject, revision, storedAtMs, endsAtMs };
}

function ofRecord(record: DedupRecord, fields: RecordFields): StoredKey {
  if (record.state === "committed") return { ...fields, state: "committed", record };
  const { storedAtMs } = fields;
  return {
    ...fields,
    state: "reserved",
    record,
    leaseEndsAtMs: storedAtMs + record.leaseMs,
    heldSinceMs: heldSinceMs(storedAtMs, record),
  };
}
