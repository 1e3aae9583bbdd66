import { type Consumer, type ConsumerMessages, type JetStreamManager, type JsMsg, jetstream } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/nats-core";
import { LatchkeyError, StoreUnavailableError } from "../../errors.ts";
import type { KeyFilter } from "../../model/identity.ts";
import type { Change } from "../../model/store.ts";
import { readFailed } from "../wire/error-codes.ts";
import { bucketStream, keyOf, subjectFilter } from "../wire/subject.ts";
import { entryOf, isTombstone } from "./key-state.ts";

/**
 * After twice the heartbeat without a sign of the server, the client looks whether its consumer is still there, and where it
 * cannot tell, looks again after about as long as a request stands. Its defaults are half a minute for either.
 */
const REQUEST = { expires: 5_000, idle_heartbeat: 2_500 };

interface Watched {
  readonly connection: NatsConnection;
  readonly jsm: JetStreamManager;
  readonly bucket: string;
}

/**
 * Tells what is written to a bucket from now on, until the signal aborts. When the connection
 * was lost and came back, it goes on with what each key holds then.
 * @throws {RecordUnreadableError} for a record that cannot be read; another watch begins after it.
 * @throws {StoreUnavailableError} when the watch cannot begin, or ends by itself.
 */
export async function* watchBucket(
  { connection, jsm, bucket }: Watched,
  filter: KeyFilter,
  signal: AbortSignal,
): AsyncGenerator<Change, void> {
  const subjects = subjectFilter(bucket, filter);
  const isAborted = (): boolean => signal.aborted;
  if (isAborted()) return;
  let consumer: Consumer;
  let messages: ConsumerMessages;
  try {
    // From a revision on, not from "now": what makes the consumer anew after a lost connection would begin with everything.
    const { state } = await jsm.streams.info(bucketStream(bucket));
    const from = { filter_subjects: subjects, opt_start_seq: state.last_seq + 1 };
    consumer = await jetstream(connection).consumers.get(bucketStream(bucket), from);
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
      yield changeOf(bucket, message);
    }
    if (isAborted()) return;
    throw new StoreUnavailableError(`The watch of bucket ${bucket} ended`, { ambiguous: false });
  } catch (error) {
    throw error instanceof LatchkeyError ? error : readFailed(bucket, error);
  } finally {
    signal.removeEventListener("abort", stop);
    stop();
    // Where that fails, the server removes what nobody reads from after a while.
    await consumer.delete().catch(() => false);
  }
}

function changeOf(bucket: string, message: JsMsg): Change {
  const key = keyOf(bucket, message.subject);
  const revision = message.info.streamSequence;
  if (isTombstone(message.headers)) return { type: "removed", key, revision };
  return { type: "put", entry: entryOf(bucket, key, message.string(), revision) };
}
