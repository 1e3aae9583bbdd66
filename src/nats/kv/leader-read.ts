import type { JetStreamManager } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/nats-core";
import { readFailed } from "../wire/error-codes.ts";
import { bucketStream } from "../wire/subject.ts";
import { type ReadOptions, readBucket } from "./bucket-list.ts";
import { type StoredMessage, storedMessage } from "./stored-message.ts";

/**
 * Reads matching messages from the bucket's leader, tombstones included, in the order of revisions from `fromRevision` on.
 * Sends one request per message. @throws {StoreUnavailableError}
 */
export async function* readFromLeader(
  jsm: JetStreamManager,
  bucket: string,
  { subjects, fromRevision = 1 }: { readonly subjects: string; readonly fromRevision?: number },
): AsyncGenerator<StoredMessage, void> {
  for (let from = fromRevision; ; ) {
    // The client's types lack the combination, but the server accepts it.
    const next = { seq: from, next_by_subj: subjects };
    const message = await jsm.streams.getMessage(bucketStream(bucket), next).catch((cause: unknown) => {
      throw readFailed(bucket, cause);
    });
    if (message === null) return;
    const { header, subject, seq, timestamp } = message;
    from = seq + 1;
    yield storedMessage(header, { subject, revision: seq, time: timestamp, payload: message.string() });
  }
}

/**
 * Reads matching messages like {@link readBucket}, and then asks the leader for those that a stale server did not have.
 * Complete if nothing is written during the read: every server has a prefix of the leader's messages. @throws {StoreUnavailableError}
 */
export async function* readCompletely(
  connection: NatsConnection,
  jsm: JetStreamManager,
  options: ReadOptions,
  subjects: string,
): AsyncGenerator<StoredMessage, void> {
  let fromRevision = 1;
  for await (const message of readBucket(connection, options, subjects)) {
    fromRevision = message.revision + 1;
    yield message;
  }
  yield* readFromLeader(jsm, options.bucket, { subjects, fromRevision });
}
