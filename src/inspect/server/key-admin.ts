import type { Deduplicator } from "../../deduplicator.ts";
import { parseStoreKey } from "../../model/identity.ts";
import type { Entry, Store } from "../../model/store.ts";
import type { EventRef } from "../trace/trace-event.ts";

/** A store that supports `list` and `watch`. */
export type WatchedStore = Store & Required<Pick<Store, "list" | "watch">>;

/** Reads, lists and removes the records of a store. */
export interface KeyAdmin {
  /** True if {@link remove} is supported. */
  readonly canRemove: boolean;
  get(identity: EventRef): Promise<Entry | undefined>;
  /** Lists all keys. @throws {LatchkeyError} `unsupported` for a store that cannot list. */
  list(): AsyncIterable<Entry>;
  /** Returns the entry of a key whose event is unknown. */
  find(storeKey: string): Promise<Entry | undefined>;
  /** Removes the entries. Returns those whose keys have not changed since they were read. */
  remove(entries: readonly Entry[]): Promise<readonly Entry[]>;
}

/** Uses the store itself, and invalidates the caches of all replicas after a removal. */
export function storeKeyAdmin(store: WatchedStore): KeyAdmin {
  const get = (storeKey: string): Promise<Entry | undefined> => store.get(parseStoreKey(storeKey));
  return {
    canRemove: store.remove !== undefined,
    get: ({ storeKey }) => get(storeKey),
    list: () => store.list({}),
    find: get,
    async remove(entries) {
      const isRemoved = async ({ key, revision }: Entry): Promise<boolean> =>
        (await store.remove?.(key, { expected: revision }))?.ok === true;
      const removed = await filtered(entries, isRemoved, AT_ONCE);
      if (removed.length > 0) await store.invalidation?.invalidate();
      return removed;
    },
  };
}

/** Uses the deduplicator, which keeps its own cache correct. */
export function dedupKeyAdmin(dedup: Deduplicator): KeyAdmin {
  return {
    canRemove: true,
    get: (identity) => dedup.peek(identity),
    list: () => dedup.list(),
    async find(storeKey) {
      for await (const entry of dedup.list()) if (entry.key === storeKey) return entry;
      return undefined;
    },
    remove: (entries) =>
      filtered(
        entries,
        async ({ record: { workspaceId, subscriptionId, eventId }, revision }) =>
          (await dedup.clear({ workspaceId, subscriptionId, eventId, revision })) > 0,
        CLEARS_AT_ONCE,
      ),
  };
}

/** Number of concurrent removals in a store. */
const AT_ONCE = 64;
/** Number of concurrent clears of a deduplicator. Each invalidates the caches, and invalidations compete. */
const CLEARS_AT_ONCE = 4;

/** Returns the entries for which `test` resolves to true. Tests at most `atOnce` at a time. */
async function filtered(
  entries: readonly Entry[],
  test: (entry: Entry) => Promise<boolean>,
  atOnce: number,
): Promise<readonly Entry[]> {
  const kept: Entry[] = [];
  for (let from = 0; from < entries.length; from += atOnce) {
    const batch = entries.slice(from, from + atOnce);
    const results = await Promise.all(batch.map(test));
    kept.push(...batch.filter((_, index) => results[index] === true));
  }
  return kept;
}
