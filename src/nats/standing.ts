import type { JetStreamManager } from "@nats-io/jetstream";
import type { MsgHdrs } from "@nats-io/nats-core";
import type { StoreKey } from "../key.ts";
import { decodeRecord } from "../record.ts";
import type { Entry, Revision } from "../store.ts";
import { readFailed } from "./answers.ts";
import { streamOf, subjectOf } from "./subject.ts";

/** What stands under a key; the mark of a removal is nothing, but a write over it must expect its revision. */
export type Standing =
  | { readonly type: "nothing"; readonly revision: Revision }
  | { readonly type: "record"; readonly entry: Entry };

/**
 * Asks the bucket's leader what stands under a key.
 * @throws {StoreUnavailableError}
 * @throws {RecordUnreadableError} that names the key.
 */
export async function readStanding(jsm: JetStreamManager, bucket: string, key: StoreKey): Promise<Standing> {
  const last = { last_by_subj: subjectOf(bucket, key) };
  const message = await jsm.streams.getMessage(streamOf(bucket), last).catch((cause: unknown) => {
    throw readFailed(bucket, cause);
  });
  if (message === null) return { type: "nothing", revision: 0 };
  if (isMark(message.header)) return { type: "nothing", revision: message.seq };
  return { type: "record", entry: entryOf(bucket, key, message.string(), message.seq) };
}

/** Whether a message is the mark of a removal: ours, or that of an operator's `delete` or `purge`. */
export function isMark(fields: MsgHdrs | undefined): boolean {
  return fields?.has("KV-Operation") ?? false;
}

/** @throws {RecordUnreadableError} that names the key. */
export function entryOf(bucket: string, key: StoreKey, encoded: string, revision: Revision): Entry {
  return { key, record: decodeRecord(encoded, `${key} in bucket ${bucket}`), revision };
}
