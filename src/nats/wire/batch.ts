import type { ApiError } from "@nats-io/jetstream";
import { type Msg, nuid } from "@nats-io/nats-core";
import type { StoreUnavailableError } from "../../errors.ts";
import type { Revision } from "../../model/store.ts";
import { isRevision, type WriterTerms } from "./bucket-writer.ts";
import { type CompareAndSet, headersOf } from "./compare-and-set.ts";
import { apiCodes, writeFailed } from "./error-codes.ts";
import type { RequestMultiplexer } from "./request-multiplexer.ts";
import { bucketStream, subjectOf } from "./subject.ts";

/** The server takes no larger batch. */
export const MAX_BATCH = 1_000;

/** What became of a batch. */
export type BatchOutcome =
  /** All are stored, under these revisions. */
  | { readonly type: "stored"; readonly revisions: readonly Revision[] }
  /** None is; unless the server failed while it stored them, then it may be some are, and that is not `certain`. */
  | { readonly type: "refused"; readonly certain: boolean }
  /** Nobody knows: all are, or none. */
  | { readonly type: "unknown"; readonly error: StoreUnavailableError };

/** Publishes two writes or more, to as many keys, as one: the server stores all or none. Calls `onOutcome` once. */
export type SendBatch = (
  inbox: RequestMultiplexer,
  terms: WriterTerms,
  writes: readonly CompareAndSet[],
  onOutcome: (outcome: BatchOutcome) => void,
) => void;

/**
 * Sends an atomic batch (NATS 2.12, ADR-50): the server keeps the messages aside until the last one comes, and checks them all
 * before it stores the first. Where one is missing, or the connection is lost before the last, it forgets them.
 *
 *     Nats-Batch-Id: x   Nats-Batch-Sequence: 1                          no answer wanted
 *     Nats-Batch-Id: x   Nats-Batch-Sequence: 2                          no answer wanted
 *     Nats-Batch-Id: x   Nats-Batch-Sequence: 3   Nats-Batch-Commit: 1   answer: { seq, batch: x, count: 3 }
 *
 * `seq` is the sequence of the last message; the others have those before it.
 */
export const sendBatch: SendBatch = (inbox, { bucket, timeoutMs }, writes, onOutcome) => {
  const id = nuid.next();
  const stream = bucketStream(bucket);
  for (const [index, write] of writes.entries()) {
    const number = index + 1;
    const isLast = number === writes.length;
    const subject = subjectOf(bucket, write.key);
    const headers = headersOf(stream, write, { id, number, isLast });
    if (isLast) {
      inbox.ask(subject, write.payload, { headers, timeoutMs }, (answer) => {
        onOutcome(answer instanceof Error ? unanswered(bucket, answer) : readOutcome(bucket, answer, id, number));
      });
    } else if (!inbox.publishes(subject, write.payload, headers)) {
      // Without its last message nothing of it is stored. What is wrong, each write is told when it goes by itself.
      onOutcome({ type: "refused", certain: true });
      return;
    }
  }
};

/** With these the server refuses a batch before it stores anything of it; with others it may have failed on the way. */
const certainRefusals: ReadonlySet<number> = new Set([
  10_054,
  10_060,
  apiCodes.wrongLastSequence,
  10_109,
  apiCodes.anotherWriteInFlight,
  10_165,
  10_166,
  // The server's own for batches: not allowed, incomplete, too many in flight, and the like.
  10_174,
  10_175,
  10_176,
  10_177,
  10_179,
  10_199,
  10_200,
  10_210,
]);

function unanswered(bucket: string, cause: Error): BatchOutcome {
  const error = writeFailed(bucket, cause);
  return error.ambiguous ? { type: "unknown", error } : { type: "refused", certain: true };
}

function readOutcome(bucket: string, message: Msg, id: string, size: number): BatchOutcome {
  try {
    const { seq, batch, count, error } = message.json<
      Partial<Record<"seq" | "batch" | "count", unknown>> & { readonly error?: ApiError }
    >();
    if (error !== undefined) return { type: "refused", certain: certainRefusals.has(error.err_code) };
    if (batch === id && count === size && isRevision(seq) && seq >= size) {
      return { type: "stored", revisions: Array.from({ length: size }, (_, index) => seq - size + index + 1) };
    }
    throw new Error("The answer to a batch is no acknowledgement of it");
  } catch (cause) {
    return { type: "unknown", error: writeFailed(bucket, cause) };
  }
}
