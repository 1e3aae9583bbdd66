import type { StoreKey } from "../../model/identity.ts";
import type { DedupRecord } from "../../model/record.ts";
import { identityOf } from "../../model/record-identity.ts";
import { entryOf } from "../../nats/kv/key-state.ts";
import type { StoredMessage } from "../../nats/kv/stored-message.ts";
import { keyOf } from "../../nats/wire/subject.ts";
import { messageOf } from "../terminal/sentences.ts";
import type { RecordFields, StoredKey } from "./stored-key.ts";

/** What limits a bucket's records beside their own time to live. */
export interface KeptTerms {
  readonly bucket: string;
  /** `Infinity` without one. */
  readonly maxAgeMs: number;
}

/** Reads a message of a bucket, other than a mark. Never throws: what cannot be read is one of the things to be shown. */
export function readKey(message: StoredMessage, { bucket, maxAgeMs }: KeptTerms): StoredKey {
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
    return { ...fields, state: "unreadable", key, reason: messageOf(error) };
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
    heldSinceMs: storedAtMs,
  };
}
