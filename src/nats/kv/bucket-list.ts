import type { JetStreamManager } from "@nats-io/jetstream";
import type { Msg, NatsConnection } from "@nats-io/nats-core";
import { StoreUnavailableError } from "../../errors.ts";
import { type DispatchFailure, decodeFailure } from "../../model/failure.ts";
import type { KeyFilter } from "../../model/identity.ts";
import type { Entry, Revision } from "../../model/store.ts";
import { apiSubject, type BucketAddress } from "../wire/bucket-address.ts";
import { readFailed } from "../wire/error-codes.ts";
import { bucketStream, keyOf, subjectFilter } from "../wire/subject.ts";
import { entryOf } from "./key-state.ts";
import { readFromLeader } from "./leader-read.ts";
import { type StoredMessage, storedMessage } from "./stored-message.ts";

/** Maximum number of messages in a page. For each page the server counts all remaining keys, so large pages are better. */
const PAGE = 10_000;
/** Maximum size of a page. A page must arrive within one timeout and is held in memory. */
const PAGE_BYTES = 8_000_000;
const END_OF_PAGE = 204;
const NOT_FOUND = 404;

interface ListPage {
  readonly messages: readonly Msg[];
  readonly isLast: boolean;
}

/** Connection, and stream manager of the same domain. */
export interface ListReader {
  readonly connection: NatsConnection;
  readonly jsm: JetStreamManager;
}

/**
 * Lists the entries of a bucket in the order of revisions: every write that was acknowledged before the listing began, and perhaps
 * later ones. A key that is written during the listing may appear twice.
 * @throws {RecordUnreadableError} for the first unreadable record, after every readable entry.
 * @throws {StoreUnavailableError}
 */
export async function* listBucket(
  reader: ListReader,
  address: BucketAddress,
  filter: KeyFilter,
): AsyncGenerator<Entry, void> {
  const { bucket } = address;
  const unreadable: unknown[] = [];
  for await (const message of readCompletely(reader, address, subjectFilter(bucket, filter))) {
    if (message.isTombstone) continue;
    let entry: Entry;
    try {
      entry = entryOf(bucket, keyOf(bucket, message.subject), message);
    } catch (error) {
      unreadable.push(error);
      continue;
    }
    yield entry;
  }
  if (unreadable.length > 0) throw unreadable[0];
}

/** Lists the failed dispatches in the tombstones of a bucket. @throws {StoreUnavailableError} */
export async function* listFailures(
  reader: ListReader,
  address: BucketAddress,
  filter: KeyFilter,
): AsyncGenerator<DispatchFailure, void> {
  for await (const { isTombstone, payload } of readCompletely(reader, address, subjectFilter(address.bucket, filter))) {
    const failure = isTombstone ? decodeFailure(payload) : undefined;
    if (failure !== undefined) yield failure;
  }
}

/**
 * Reads matching messages of a bucket, tombstones included, in the order of revisions. Reads page by page from any server, and
 * then from the leader those that a stale server did not have. Every server has a prefix of the leader's messages, so no gap is possible.
 * @throws {StoreUnavailableError}
 */
export async function* readCompletely(
  { connection, jsm }: ListReader,
  address: BucketAddress,
  subjects: string,
): AsyncGenerator<StoredMessage, void> {
  let fromRevision = address.revisionOffset + 1;
  for await (const message of readPages(connection, address, subjects)) {
    fromRevision = message.revision + 1;
    yield message;
  }
  const toRevision = await lastRevision(jsm, address);
  yield* readFromLeader(jsm, address, { subjects, fromRevision, toRevision });
}

/** Returns the leader's last revision: a bucket that is written faster than it is read has no end. */
async function lastRevision(jsm: JetStreamManager, { bucket, revisionOffset }: BucketAddress): Promise<Revision> {
  try {
    const { state } = await jsm.streams.info(bucketStream(bucket));
    return state.last_seq + revisionOffset;
  } catch (cause) {
    throw readFailed(bucket, cause);
  }
}

/** Reads matching messages page by page. Any server may answer, and it may be stale. */
async function* readPages(
  connection: NatsConnection,
  address: BucketAddress,
  subjects: string,
): AsyncGenerator<StoredMessage, void> {
  let isLast = false;
  for (let from = 1; !isLast; ) {
    const query = JSON.stringify({ seq: from, next_by_subj: subjects, batch: PAGE, max_bytes: PAGE_BYTES });
    const page = await readPage(connection, address, query);
    isLast = page.isLast;
    for (const message of page.messages) {
      const { headers } = message;
      const sequence = Number(headers?.last("Nats-Sequence"));
      from = sequence + 1;
      yield storedMessage(headers, {
        subject: headers?.last("Nats-Subject") ?? "",
        revision: sequence + address.revisionOffset,
        time: headers?.last("Nats-Time-Stamp") ?? "",
        payload: message.string(),
      });
    }
  }
}

async function readPage(connection: NatsConnection, address: BucketAddress, query: string): Promise<ListPage> {
  const { bucket, timeoutMs: maxWait } = address;
  const messages: Msg[] = [];
  const subject = apiSubject(address, `DIRECT.GET.${bucketStream(bucket)}`);
  try {
    for await (const message of await connection.requestMany(subject, query, { strategy: "timer", maxWait })) {
      const { headers } = message;
      if (headers?.code === NOT_FOUND) return { messages, isLast: true };
      if (headers?.code === END_OF_PAGE) return { messages, isLast: headers.last("Nats-Num-Pending") === "0" };
      if (headers?.hasError) throw new Error(`The server answered ${headers.status}`);
      messages.push(message);
    }
  } catch (cause) {
    throw readFailed(bucket, cause);
  }
  throw new StoreUnavailableError(`Bucket ${bucket} cannot be listed: the answer is missing or incomplete`, {
    ambiguous: false,
  });
}
