import type { StoredMessage } from "../../nats/kv/stored-message.ts";
import { type FilterFlags, isMatch } from "./key-filter.ts";
import { type RecordSource, readKey } from "./read-key.ts";
import { RevisionTimes } from "./revision-times.ts";
import type { StoredKey } from "./stored-key.ts";

/** Yields the matching keys of messages, which must come in the order of their revisions. */
export async function* matchingKeys(
  messages: AsyncIterable<StoredMessage>,
  source: RecordSource,
  flags: FilterFlags,
  serverMs: () => number,
): AsyncGenerator<StoredKey, void> {
  const times = new RevisionTimes();
  for await (const message of messages) {
    times.note(message);
    if (message.isTombstone) continue;
    const stored = withTimes(readKey(message, source), times);
    if (isMatch(stored, flags, serverMs())) yield stored;
  }
}

function withTimes(stored: StoredKey, times: RevisionTimes): StoredKey {
  if (stored.state !== "reserved") return stored;
  return { ...stored, heldSinceMs: times.heldSinceMs(stored.fence, stored.heldSinceMs) };
}
