import type { Msg, NatsConnection } from "@nats-io/nats-core";
import { StoreUnavailableError } from "../../errors.ts";
import type { KeyFilter } from "../../model/identity.ts";
import type { Entry } from "../../model/store.ts";
import { readFailed } from "../wire/error-codes.ts";
import { bucketStream, keyOf, subjectFilter } from "../wire/subject.ts";
import { entryOf } from "./key-state.ts";
import { type StoredMessage, storedMessage } from "./stored-message.ts";

/** For every page the server goes over all keys once to say how many are left: large ones are better. */
const PAGE = 10_000;
/** What must arrive within one time-out, and is held in memory. */
const PAGE_BYTES = 8_000_000;
const END_OF_PAGE = 204;
const NOTHING_THERE = 404;

interface Page {
  readonly messages: readonly Msg[];
  readonly isLast: boolean;
}

/** Which bucket, and how long one request to it waits for its answer. */
export interface ReadOptions {
  readonly bucket: string;
  readonly timeoutMs: number;
}

/**
 * What a bucket holds, in the order of revisions. Any replica may answer, so it may be a little out of date. A key that is
 * written meanwhile may come again, with what it holds then.
 * @throws {RecordUnreadableError} for the first record that cannot be read, when all others have been given.
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
 * Reads page by page all messages of a bucket whose subjects match, marks of removals among them, in the order of revisions,
 * without a consumer that would have to be removed. As current as {@link listBucket}. @throws {StoreUnavailableError}
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
      if (headers?.code === NOTHING_THERE) return { messages, isLast: true };
      if (headers?.code === END_OF_PAGE) return { messages, isLast: headers.last("Nats-Num-Pending") === "0" };
      if (headers?.hasError) throw new Error(`The server answered ${headers.status}`);
      messages.push(message);
    }
  } catch (cause) {
    throw readFailed(bucket, cause);
  }
  throw new StoreUnavailableError(`Bucket ${bucket} cannot be listed: no answer, or half of one`, { ambiguous: false });
}
