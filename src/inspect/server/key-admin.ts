import type { Deduplicator } from "../../deduplicator.ts";
import type { DispatchFailure } from "../../model/failure.ts";
import { parseStoreKey } from "../../model/identity.ts";
import type { Entry, Store } from "../../model/store.ts";
import { removeUnchanged } from "../../stores/remove-unchanged.ts";
import type { KeyedIdentity } from "../trace/trace-event.ts";

/** A store that supports `list` and `watch`. */
export type WatchedStore = Store & Required<Pick<Store, "list" | "watch">>;

/** Reads, lists and removes the records of a store. */
export interface KeyAdmin {
  /** True if {@link remove} is supported. */
  readonly canRemove: boolean;
  get(identity: KeyedIdentity): Promise<Entry | undefined>;
  /** Returns the failed dispatch after which an empty key was released, if the store keeps it. */
  failure(storeKey: string): Promise<DispatchFailure | undefined>;
  /** Lists the failed dispatches after which empty keys were released. Returns undefined if only the trace contains them. */
  failures(): AsyncIterable<DispatchFailure> | undefined;
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
    failure: async (storeKey) => store.failure?.(parseStoreKey(storeKey)),
    failures: () => store.failures?.({}),
    list: () => store.list({}),
    find: get,
    remove: (entries) => removeUnchanged(store, entries),
  };
}

/** Uses the deduplicator, which keeps its own cache correct. */
export function dedupKeyAdmin(dedup: Deduplicator): KeyAdmin {
  return {
    canRemove: true,
    get: (identity) => dedup.peek(identity),
    // A deduplicator reports its own failures, so the trace contains them.
    failure: async () => undefined,
    failures: () => undefined,
    list: () => dedup.list(),
    async find(storeKey) {
      for await (const entry of dedup.list()) if (entry.key === storeKey) return entry;
      return undefined;
    },
    remove: (entries) => dedup.clearListed(entries),
  };
}
