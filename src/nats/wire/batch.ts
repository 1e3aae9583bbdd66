import type { ApiError } from "@nats-io/jetstream";
import { type Msg, nuid } from "@nats-io/nats-core";
import type { Revision } from "../../model/store.ts";
import { type BucketAddress, publishSubject } from "./bucket-address.ts";
import { isRevision } from "./bucket-writer.ts";
import { type CompareAndSet, writeHeaders } from "./compare-and-set.ts";
import { apiCodes, isCertainlyNotStored, type WriteError, writeFailed } from "./error-codes.ts";
import type { RequestMultiplexer } from "./request-multiplexer.ts";
import { bucketStream } from "./subject.ts";

/** Maximum number of messages that the server accepts in one batch. */
export const MAX_BATCH = 1_000;

/** Result of an atomic batch. */
export type AtomicBatchResult =
  /** Every member is stored, under these revisions. */
  | { readonly type: "stored"; readonly revisions: readonly Revision[] }
  /** No member is stored. Unless it is `certain`, the server may have failed after it stored some members. */
  | { readonly type: "refused"; readonly certain: boolean }
  /** Either every member is stored or none is. */
  | { readonly type: "unknown"; readonly error: WriteError };

/** Publishes at least two writes, each to another key, as one batch: the server stores all or none. Calls `onResult` once. */
export type SendBatch = (
  requests: RequestMultiplexer,
  address: BucketAddress,
  writes: readonly CompareAndSet[],
  onResult: (result: AtomicBatchResult) => void,
) => void;

/**
 * Sends an atomic batch (NATS 2.12, ADR-50). The server stages the messages until the last one arrives, and checks all of them
 * before it stores the first. If a message is missing, or the connection is lost before the last one, it drops the batch.
 *
 *     Nats-Batch-Id: x   Nats-Batch-Sequence: 1                          no answer requested
 *     Nats-Batch-Id: x   Nats-Batch-Sequence: 2                          no answer requested
 *     Nats-Batch-Id: x   Nats-Batch-Sequence: 3   Nats-Batch-Commit: 1   answer: { seq, batch: x, count: 3 }
 *
 * `seq` is the sequence of the last message. The others have the sequences before it.
 */
export const sendBatch: SendBatch = (requests, address, writes, onResult) => {
  const { bucket, revisionOffset } = address;
  const timeoutMs = Math.min(...writes.map((write) => write.timeoutMs));
  const id = nuid.next();
  const stream = bucketStream(bucket);
  for (const [index, write] of writes.entries()) {
    const number = index + 1;
    const isLast = number === writes.length;
    const subject = publishSubject(address, write.key);
    const headers = writeHeaders(stream, write, revisionOffset, { id, number, isLast });
    if (isLast) {
      requests.send(subject, write.payload, { headers, timeoutMs }, (answer) => {
        onResult(answer instanceof Error ? unanswered(bucket, answer) : readResult(address, answer, id, number));
      });
    } else if (!requests.publish(subject, write.payload, headers)) {
      // Without its last message the server stores none of the batch. Sent alone, each member gets its own error.
      onResult({ type: "refused", certain: true });
      return;
    }
  }
};

/** Codes with which the server refuses a batch before it stores any member. After other codes it may have stored some. */
const certainRefusals: ReadonlySet<number> = new Set([
  apiCodes.tooLarge,
  10_060,
  apiCodes.wrongLastSequence,
  10_109,
  apiCodes.anotherWriteInFlight,
  10_165,
  10_166,
  // Codes about batches: not allowed, incomplete, too many in flight, and others.
  10_174,
  10_175,
  10_176,
  10_177,
  10_179,
  10_199,
  10_200,
  10_210,
]);

function unanswered(bucket: string, cause: Error): AtomicBatchResult {
  const error = writeFailed(bucket, cause);
  return isCertainlyNotStored(error) ? { type: "refused", certain: true } : { type: "unknown", error };
}

function readResult(
  { bucket, revisionOffset }: BucketAddress,
  message: Msg,
  id: string,
  size: number,
): AtomicBatchResult {
  try {
    const { seq, batch, count, error } = message.json<
      Partial<Record<"seq" | "batch" | "count", unknown>> & { readonly error?: ApiError }
    >();
    if (error !== undefined) return { type: "refused", certain: certainRefusals.has(error.err_code) };
    if (batch === id && count === size && isRevision(seq) && seq >= size) {
      return {
        type: "stored",
        revisions: Array.from({ length: size }, (_, index) => revisionOffset + seq - size + index + 1),
      };
    }
    throw new Error("The answer to a batch does not acknowledge it");
  } catch (cause) {
    return { type: "unknown", error: writeFailed(bucket, cause) };
  }
}
