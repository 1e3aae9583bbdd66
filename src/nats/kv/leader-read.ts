import type { JetStreamManager } from "@nats-io/jetstream";
import type { BucketAddress } from "../wire/bucket-address.ts";
import { readFailed } from "../wire/error-codes.ts";
import { bucketStream } from "../wire/subject.ts";
import { type StoredMessage, storedMessage } from "./stored-message.ts";

/**
 * Reads matching messages from the bucket's leader, tombstones included, in the order of revisions from `fromRevision` to `toRevision`.
 * Sends one request per message. @throws {StoreUnavailableError}
 */
export async function* readFromLeader(
  jsm: JetStreamManager,
  { bucket, revisionOffset }: Pick<BucketAddress, "bucket" | "revisionOffset">,
  range: { readonly subjects: string; readonly fromRevision?: number; readonly toRevision?: number },
): AsyncGenerator<StoredMessage, void> {
  const { subjects, fromRevision = 1, toRevision = Number.POSITIVE_INFINITY } = range;
  for (let from = Math.max(1, fromRevision - revisionOffset); from + revisionOffset <= toRevision; ) {
    // The client's types lack the combination, but the server accepts it.
    const next = { seq: from, next_by_subj: subjects };
    const message = await jsm.streams.getMessage(bucketStream(bucket), next).catch((cause: unknown) => {
      throw readFailed(bucket, cause);
    });
    if (message === null || message.seq + revisionOffset > toRevision) return;
    const { header, subject, seq, timestamp } = message;
    from = seq + 1;
    yield storedMessage(header, {
      subject,
      revision: seq + revisionOffset,
      time: timestamp,
      payload: message.string(),
    });
  }
}
