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
  /** Removes the entry. Returns false if the key has changed since it was read. */
  remove(identity: EventRef, entry: Entry): Promise<boolean>;
}

/** Uses the store itself, and invalidates the caches of all replicas after a removal. */
export function storeKeyAdmin(store: WatchedStore): KeyAdmin {
  const get = (storeKey: string): Promise<Entry | undefined> => store.get(parseStoreKey(storeKey));
  return {
    canRemove: store.remove !== undefined,
    get: ({ storeKey }) => get(storeKey),
    list: () => store.list({}),
    find: get,
    async remove(_, { key, revision }) {
      const removal = await store.remove?.(key, { expected: revision });
      if (removal?.ok === true) await store.invalidation?.invalidate();
      return removal?.ok === true;
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
    async remove({ workspaceId, subscriptionId, eventId }, { revision }) {
      return (await dedup.clear({ workspaceId, subscriptionId, eventId, revision })) > 0;
    },
  };
}
