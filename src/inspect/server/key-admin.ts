import type { Deduplicator } from "../../deduplicator.ts";
import { parseStoreKey } from "../../model/identity.ts";
import type { Entry, Store } from "../../model/store.ts";
import type { EventRef } from "../trace/trace-event.ts";

/** Reads and removes records of single keys. */
export interface KeyAdmin {
  /** Whether {@link remove} is supported. */
  readonly canRemove: boolean;
  get(identity: EventRef): Promise<Entry | undefined>;
  /** Removes the entry. Returns false if the key has changed since it was read. */
  remove(identity: EventRef, entry: Entry): Promise<boolean>;
}

/** Uses the store itself, and invalidates the caches of all replicas after a removal. */
export function storeKeyAdmin(store: Store): KeyAdmin {
  return {
    canRemove: store.remove !== undefined,
    get: ({ storeKey }) => store.get(parseStoreKey(storeKey)),
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
    async remove({ workspaceId, subscriptionId, eventId }, { revision }) {
      return (await dedup.clear({ workspaceId, subscriptionId, eventId, revision })) > 0;
    },
  };
}
