import { type ApiError, JetStreamApiError } from "@nats-io/jetstream";
import { MsgHdrsImpl } from "@nats-io/nats-core";
import { systemClock } from "../../internal/clock.ts";
import { retryUntil } from "../../internal/retry.ts";
import { type DispatchFailure, decodeFailure } from "../../model/failure.ts";
import type { StoreKey } from "../../model/identity.ts";
import { decodeRecord } from "../../model/record.ts";
import type { Entry, Revision } from "../../model/store.ts";
import { apiSubject, type BucketAddress } from "../wire/bucket-address.ts";
import { apiCodes, readFailed } from "../wire/error-codes.ts";
import type { RequestMultiplexer } from "../wire/request-multiplexer.ts";
import { bucketStream, subjectOf } from "../wire/subject.ts";
import { READINESS_BACKOFF } from "./bucket-readiness.ts";
import { type StoredMessage, storedMessage } from "./stored-message.ts";

/** Content of a key. A tombstone counts as empty, but a write over it must expect the tombstone's revision. */
export type KeyState =
  | { readonly type: "empty"; readonly revision: Revision; readonly failure?: DispatchFailure | undefined }
  | { readonly type: "record"; readonly entry: Entry };

/** A stored message as the server returns it, with its revision. Headers and payload are in base64. */
interface EncodedMessage {
  readonly seq: Revision;
  readonly time?: string;
  readonly hdrs?: string;
  readonly data?: string;
}

/**
 * Reads a key from the bucket's leader.
 * @throws {StoreUnavailableError}
 * @throws {RecordUnreadableError} that names the key.
 */
export async function readKeyState(
  requests: RequestMultiplexer,
  address: BucketAddress,
  key: StoreKey,
): Promise<KeyState> {
  const { bucket } = address;
  const message = await lastMessage(requests, address, key).catch((cause: unknown) => {
    throw readFailed(bucket, cause);
  });
  if (message === undefined) return { type: "empty", revision: 0 };
  const { seq, time = "", hdrs = "", data = "" } = message;
  const payload = Buffer.from(data, "base64").toString();
  const stored = storedMessage(MsgHdrsImpl.decode(Buffer.from(hdrs, "base64")), {
    subject: subjectOf(bucket, key),
    payload,
    revision: seq,
    time,
  });
  if (stored.isTombstone) return { type: "empty", revision: seq, failure: decodeFailure(payload) };
  return { type: "record", entry: entryOf(bucket, key, stored) };
}

/** Time for which "no such bucket" is retried before it is reported, in milliseconds. */
const UNKNOWN_BUCKET_MS = 1_000;

/**
 * Reads the last message of a key from the bucket's leader.
 * A server that just became the leader of a cluster's metadata may not know the bucket yet, so that answer is retried.
 */
export async function lastMessage(
  requests: RequestMultiplexer,
  address: BucketAddress,
  key: string,
): Promise<EncodedMessage | undefined> {
  const { bucket, timeoutMs, revisionOffset } = address;
  const subject = apiSubject(address, `STREAM.MSG.GET.${bucketStream(bucket)}`);
  const query = JSON.stringify({ last_by_subj: subjectOf(bucket, key) });
  const read = await retryUntil(
    { clock: systemClock, timeoutMs: UNKNOWN_BUCKET_MS, backoff: READINESS_BACKOFF },
    async (isLast): Promise<{ readonly message: EncodedMessage | undefined } | undefined> => {
      const answer = await requests.request(subject, query, { timeoutMs });
      const { message, error } = answer.json<{ readonly message?: EncodedMessage; readonly error?: ApiError }>();
      if (message !== undefined) return { message: { ...message, seq: message.seq + revisionOffset } };
      if (error === undefined) throw new Error("The answer to a read contains neither a message nor an error");
      if (error.err_code === apiCodes.noMessage) return { message: undefined };
      if (error.err_code !== apiCodes.noStream || isLast) throw new JetStreamApiError(error);
      return undefined;
    },
  );
  return read?.message;
}

/** @throws {RecordUnreadableError} that names the key. */
export function entryOf(bucket: string, key: StoreKey, message: StoredMessage): Entry {
  const { payload, revision, storedAtMs, ttlMs } = message;
  const record = decodeRecord(payload, `${key} in bucket ${bucket}`);
  // Without a time or a TTL, it is not known when the server removes the message.
  const endsAtMs = storedAtMs + (ttlMs ?? Number.NaN);
  return Number.isNaN(endsAtMs) ? { key, record, revision } : { key, record, revision, endsAtMs };
}
