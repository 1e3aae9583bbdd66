import type { Msg, NatsConnection } from "@nats-io/nats-core";
import { StoreUnavailableError } from "../errors.ts";
import type { KeyFilter } from "../key.ts";
import type { Entry } from "../store.ts";
import { readFailed } from "./answers.ts";
import { entryOf, isMark } from "./standing.ts";
import { keyOf, streamOf, subjectFilter } from "./subject.ts";

const PAGE = 1_000;
const END_OF_PAGE = 204;
const NOTHING_THERE = 404;

interface Page {
  readonly messages: readonly Msg[];
  readonly isLast: boolean;
}

/**
 * Reads page by page what a bucket holds, in the order of revisions, without a consumer that would have to be removed. Any
 * replica may answer, so it may be a little out of date. A key that is written meanwhile may come again, with what it holds then.
 * @throws {RecordUnreadableError} for the first record that cannot be read, when all others have been given.
 * @throws {StoreUnavailableError}
 */
export async function* listBucket(
  connection: NatsConnection,
  { bucket, timeoutMs }: { readonly bucket: string; readonly timeoutMs: number },
  filter: KeyFilter,
): AsyncGenerator<Entry, void> {
  const subjects = subjectFilter(bucket, filter);
  const unreadable: unknown[] = [];
  let isLast = false;
  for (let from = 1; !isLast; ) {
    const query = JSON.stringify({ seq: from, next_by_subj: subjects, batch: PAGE });
    const page = await readPage(connection, bucket, query, timeoutMs);
    isLast = page.isLast;
    for (const message of page.messages) {
      const revision = Number(message.headers?.last("Nats-Sequence"));
      from = revision + 1;
      if (isMark(message.headers)) continue;
      let entry: Entry;
      try {
        const key = keyOf(bucket, message.headers?.last("Nats-Subject") ?? "");
        entry = entryOf(bucket, key, message.string(), revision);
      } catch (error) {
        unreadable.push(error);
        continue;
      }
      yield entry;
    }
  }
  if (unreadable.length > 0) throw unreadable[0];
}

async function readPage(connection: NatsConnection, bucket: string, query: string, maxWait: number): Promise<Page> {
  const messages: Msg[] = [];
  const subject = `$JS.API.DIRECT.GET.${streamOf(bucket)}`;
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
