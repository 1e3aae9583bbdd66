import type { StoredMessage } from "../../nats/kv/stored-message.ts";
import { type FilterFlags, isMatch } from "./key-filter.ts";
import { type RecordSource, readFailedKey, readKey } from "./read-key.ts";
import type { ListedKey, StoredKey } from "./stored-key.ts";

/** Yields the matching keys of messages, and the empty keys whose dispatch failed. */
export async function* matchingKeys(
  messages: AsyncIterable<StoredMessage>,
  source: RecordSource,
  flags: FilterFlags,
  serverMs: () => number,
): AsyncGenerator<ListedKey, void> {
  for await (const message of messages) {
    const listed = message.isTombstone ? readFailedKey(message, source) : readKey(message, source);
    if (listed !== undefined && isMatch(listed, flags, serverMs())) yield listed;
  }
}

/** Leaves out the empty keys. */
export async function* withoutFailed(keys: AsyncIterable<ListedKey>): AsyncGenerator<StoredKey, void> {
  for await (const listed of keys) if (listed.state !== "failed") yield listed;
}
