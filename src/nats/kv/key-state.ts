import { type ApiError, JetStreamApiError } from "@nats-io/jetstream";
import { type MsgHdrs, MsgHdrsImpl } from "@nats-io/nats-core";
import { systemClock } from "../../internal/clock.ts";
import type { StoreKey } from "../../model/identity.ts";
import { decodeRecord } from "../../model/record.ts";
import type { Entry, Revision } from "../../model/store.ts";
import { apiCodes, readFailed } from "../wire/error-codes.ts";
import type { RequestMultiplexer } from "../wire/request-multiplexer.ts";
import { bucketStream, subjectOf } from "../wire/subject.ts";
import { pause } from "./bucket-readiness.ts";

/** What stands under a key; the mark of a removal is nothing, but a write over it must expect its revision. */
export type KeyState =
  | { readonly type: "nothing"; readonly revision: Revision }
  | { readonly type: "record"; readonly entry: Entry };

/** What the server tells of a stored message; headers and payload are in base64. */
interface StoredMessage {
  readonly seq: Revision;
  readonly hdrs?: string;
  readonly data?: string;
}

/**
 * Asks the bucket's leader what stands under a key.
 * @throws {StoreUnavailableError}
 * @throws {RecordUnreadableError} that names the key.
 */
export async function readKeyState(
  inbox: RequestMultiplexer,
  { bucket, timeoutMs }: { readonly bucket: string; readonly timeoutMs: number },
  key: StoreKey,
): Promise<KeyState> {
  const message = await lastMessage(inbox, bucket, key, timeoutMs).catch((cause: unknown) => {
    throw readFailed(bucket, cause);
  });
  if (message === undefined) return { type: "nothing", revision: 0 };
  const { seq, hdrs = "", data = "" } = message;
  if (isTombstone(MsgHdrsImpl.decode(Buffer.from(hdrs, "base64")))) return { type: "nothing", revision: seq };
  return { type: "record", entry: entryOf(bucket, key, Buffer.from(data, "base64").toString(), seq) };
}

/** For how long a bucket that nobody has heard of is asked for again. */
const UNHEARD_OF_MS = 1_000;

/**
 * The last message of a key, as the bucket's leader has it. In a cluster, a server that has just come to lead the metadata may say
 * that there is no such bucket, before it has heard of it: so that answer is not the last word at once.
 */
export async function lastMessage(
  inbox: RequestMultiplexer,
  bucket: string,
  key: string,
  timeoutMs: number,
): Promise<StoredMessage | undefined> {
  const query = JSON.stringify({ last_by_subj: subjectOf(bucket, key) });
  const giveUpAtMs = systemClock.monotonicMs() + UNHEARD_OF_MS;
  for (;;) {
    const answer = await inbox.request(`$JS.API.STREAM.MSG.GET.${bucketStream(bucket)}`, query, { timeoutMs });
    const { message, error } = answer.json<{ readonly message?: StoredMessage; readonly error?: ApiError }>();
    if (message !== undefined) return message;
    if (error === undefined) throw new Error("The answer to a read is none");
    if (error.err_code === apiCodes.noMessage) return undefined;
    if (error.err_code !== apiCodes.noStream || systemClock.monotonicMs() >= giveUpAtMs)
      throw new JetStreamApiError(error);
    await pause();
  }
}

/** Whether a message is the mark of a removal: ours, or that of an operator's `delete` or `purge`. */
export function isTombstone(fields: MsgHdrs | undefined): boolean {
  return fields?.has("KV-Operation") ?? false;
}

/** @throws {RecordUnreadableError} that names the key. */
export function entryOf(bucket: string, key: StoreKey, encoded: string, revision: Revision): Entry {
  return { key, record: decodeRecord(encoded, `${key} in bucket ${bucket}`), revision };
}
