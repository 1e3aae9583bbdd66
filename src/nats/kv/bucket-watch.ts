import { type Consumer, type ConsumerMessages, type JetStreamManager, type JsMsg, jetstream } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/nats-core";
import { LatchkeyError, StoreUnavailableError } from "../../errors.ts";
import { decodeFailure } from "../../model/failure.ts";
import type { KeyFilter } from "../../model/identity.ts";
import type { Change } from "../../model/store.ts";
import type { BucketAddress } from "../wire/bucket-address.ts";
import { readFailed } from "../wire/error-codes.ts";
import { bucketStream, keyOf, subjectFilter } from "../wire/subject.ts";
import { entryOf } from "./key-state.ts";
import { storedMessage } from "./stored-message.ts";

/**
 * Pull settings in milliseconds. After two missed heartbeats the client checks that its consumer exists, and repeats a failed check
 * when a pull expires. The client's defaults are 30 s.
 */
const REQUEST = { expires: 5_000, idle_heartbeat: 2_500 };

interface Watched {
  readonly connection: NatsConnection;
  readonly jsm: JetStreamManager;
  readonly address: BucketAddress;
}

/**
 * Yields every change of a bucket from now on, until the signal aborts. After a reconnect it continues with the current entries.
 * @throws {RecordUnreadableError} for an unreadable record. A new watch starts after that record.
 * @throws {StoreUnavailableError} if the watch cannot start or ends early.
 */
export async function* watchBucket(
  { connection, jsm, address }: Watched,
  filter: KeyFilter,
  signal: AbortSignal,
): AsyncGenerator<Change, void> {
  const { apiPrefix, bucket } = address;
  const subjects = subjectFilter(bucket, filter);
  const isAborted = (): boolean => signal.aborted;
  if (isAborted()) return;
  let consumer: Consumer;
  let messages: ConsumerMessages;
  try {
    // Starts at a revision, not at "now": the client would replay everything when it creates the consumer again.
    const { state } = await jsm.streams.info(bucketStream(bucket));
    const from = { filter_subjects: subjects, opt_start_seq: state.last_seq + 1 };
    consumer = await jetstream(connection, { apiPrefix }).consumers.get(bucketStream(bucket), from);
    messages = await consumer.consume(REQUEST);
  } catch (cause) {
    throw readFailed(bucket, cause);
  }
  const stop = (): void => messages.stop();
  signal.addEventListener("abort", stop, { once: true });
  if (isAborted()) stop();
  try {
    for await (const message of messages) {
      if (isAborted()) return;
      yield changeOf(address, message);
    }
    if (isAborted()) return;
    throw new StoreUnavailableError(`The watch of bucket ${bucket} ended`, { ambiguous: false });
  } catch (error) {
    throw error instanceof LatchkeyError ? error : readFailed(bucket, error);
  } finally {
    signal.removeEventListener("abort", stop);
    stop();
    // If this fails, the server removes the inactive consumer later.
    await consumer.delete().catch(() => false);
  }
}

function changeOf({ bucket, revisionOffset }: BucketAddress, message: JsMsg): Change {
  const { headers, subject, time } = message;
  const key = keyOf(bucket, subject);
  const revision = message.info.streamSequence + revisionOffset;
  const stored = storedMessage(headers, { subject, revision, payload: message.string(), time: time.toISOString() });
  if (stored.isTombstone) {
    const failure = decodeFailure(stored.payload);
    return { type: "removed", key, revision, ...(failure === undefined ? {} : { failure }) };
  }
  return { type: "put", entry: entryOf(bucket, key, stored) };
}
