import { jetstream } from "@nats-io/jetstream";
import { Kvm, type KvWatchEntry, KvWatchInclude } from "@nats-io/kv";
import type { NatsConnection, QueuedIterator } from "@nats-io/nats-core";
import { LatchkeyError, StoreUnavailableError } from "../errors.ts";
import { type KeyFilter, storeKeyPattern } from "../key.ts";
import type { Change } from "../store.ts";
import { readFailed } from "./answers.ts";
import { entryOf } from "./standing.ts";
import { keyOf, subjectOf } from "./subject.ts";

/**
 * Tells what is written to a bucket from now on, until the signal aborts.
 * @throws {RecordUnreadableError} for a record that cannot be read; another watch begins after it.
 * @throws {StoreUnavailableError} when the watch cannot begin, or ends by itself.
 */
export async function* watchBucket(
  connection: NatsConnection,
  { bucket, timeoutMs }: { readonly bucket: string; readonly timeoutMs: number },
  filter: KeyFilter,
  signal: AbortSignal,
): AsyncGenerator<Change, void> {
  const key = storeKeyPattern(filter).join(".");
  const isAborted = (): boolean => signal.aborted;
  if (isAborted()) return;
  let entries: QueuedIterator<KvWatchEntry>;
  try {
    const kv = await new Kvm(jetstream(connection, { timeout: timeoutMs })).open(bucket);
    entries = await kv.watch({ key, include: KvWatchInclude.UpdatesOnly });
  } catch (cause) {
    throw readFailed(bucket, cause);
  }
  const stop = (): void => entries.stop();
  signal.addEventListener("abort", stop, { once: true });
  if (isAborted()) stop();
  try {
    for await (const entry of entries) {
      if (isAborted()) return;
      yield changeOf(bucket, entry);
    }
    if (isAborted()) return;
    throw new StoreUnavailableError(`The watch of bucket ${bucket} ended`, { ambiguous: false });
  } catch (error) {
    throw error instanceof LatchkeyError ? error : readFailed(bucket, error);
  } finally {
    signal.removeEventListener("abort", stop);
    entries.stop();
  }
}

function changeOf(bucket: string, entry: KvWatchEntry): Change {
  const { operation, revision } = entry;
  const key = keyOf(bucket, subjectOf(bucket, entry.key));
  if (operation !== "PUT") return { type: "removed", key, revision };
  return { type: "put", entry: entryOf(bucket, key, entry.string(), revision) };
}
