import type { Msg, NatsConnection } from "@nats-io/nats-core";
import { StoreUnavailableError } from "../../errors.ts";
import type { KeyFilter } from "../../model/identity.ts";
import type { Entry } from "../../model/store.ts";
import { readFailed } from "../wire/error-codes.ts";
import { bucketStream, keyOf, subjectFilter } from "../wire/subject.ts";
import { entryOf } from "./key-state.ts";
import { type StoredMessage, storedMessage } from "./stored-message.ts";

/** Maximum number of messages in a page. For each page the server counts all remaining keys, so large pages are better. */
const PAGE = 10_000;
/** Maximum size of a page. A page must arrive within one timeout and is held in memory. */
const PAGE_BYTES = 8_000_000;
const END_OF_PAGE = 204;
const NOT_FOUND = 404;

interface Page {
  readonly messages: readonly Msg[];
  readonly isLast: boolean;
}

/** Bucket to read, and the time limit of one request. */
export interface ReadOptions {
  readonly bucket: string;
  readonly timeoutMs: number;
}

/**
 * Lists the entries of a bucket in the order of revisions. Any server may answer, so the list may be slightly stale.
 * A key that is written during the listing may appear twice.
 * @throws {RecordUnreadableError} for the first unreadable record, after every readable entry.
 * @throws {StoreUnavailableError}
 */
export async function* listBucket(
  connection: NatsConnection,
  options: ReadOptions,
  filter: KeyFilter,
): AsyncGenerator<Entry, void> {
  const { bucket } = options;
  const unreadable: unknown[] = [];
  for await (const message of readBucket(connection, options, subjectFilter(bucket, filter))) {
    if (message.isTombstone) continue;
    let entry: Entry;
    try {
      entry = entryOf(bucket, keyOf(bucket, message.subject), message.payload, message.revision);
    } catch (error) {
      unreadable.push(error);
      continue;
    }
    yield entry;
  }
  if (unreadable.length > 0) throw unreadable[0];
}

/**
 * Reads matching messages of a bucket page by page, tombstones included, in the order of revisions. Needs no consumer.
 * The result may be as stale as that of {@link listBucket}. @throws {StoreUnavailableError}
 */
export async function* readBucket(
  connection: NatsConnection,
  { bucket, timeoutMs }: ReadOptions,
  subjects: string,
): AsyncGenerator<StoredMessage, void> {
  let isLast = false;
  for (let from = 1; !isLast; ) {
    const query = JSON.stringify({ seq: from, next_by_subj: subjects, batch: PAGE, max_bytes: PAGE_BYTES });
    const page = await readPage(connection, bucket, query, timeoutMs);
    isLast = page.isLast;
    for (const message of page.messages) {
      const { headers } = message;
      const revision = Number(headers?.last("Nats-Sequence"));
      from = revision + 1;
      yield storedMessage(headers, {
        subject: headers?.last("Nats-Subject") ?? "",
        revision,
        time: headers?.last("Nats-Time-Stamp") ?? "",
        payload: message.string(),
      });
    }
  }
}

async function readPage(connection: NatsConnection, bucket: string, query: string, maxWait: number): Promise<Page> {
  const messages: Msg[] = [];
  const subject = `$JS.API.DIRECT.GET.${bucketStream(bucket)}`;
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
