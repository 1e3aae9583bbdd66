import type { Deduplicator } from "../../deduplicator.ts";
import { parseStoreKey } from "../../model/identity.ts";
import type { Entry, Store } from "../../model/store.ts";
import type { EventRef } from "../trace/trace-event.ts";

/** Looks into the store, and removes from it what stands under a key. */
export interface KeyAdmin {
  /** Whether {@link remove} can do anything. */
  readonly canRemove: boolean;
  get(event: EventRef): Promise<Entry | undefined>;
  /** Removes exactly what was looked at; says whether it still stood there. */
  remove(event: EventRef, seen: Entry): Promise<boolean>;
}

export function storeKeyAdmin(store: Store): KeyAdmin {
  return {
    canRemove: store.remove !== undefined,
    get: (event) => store.get(parseStoreKey(event.storeKey)),
    async remove(_, { key, revision }) {
      const removal = await store.remove?.(key, { expected: revision });
      if (removal?.ok === true) await store.invalidation?.invalidate();
      return removal?.ok === true;
    },
  };
}

/** By the deduplicator's own operations, so that what it remembers of its keys stays right. */
export function dedupKeyAdmin(dedup: Deduplicator): KeyAdmin {
  return {
    canRemove: true,
    get: (event) => dedup.peek(event),
    async remove({ workspaceId, subscriptionId, eventId }, { revision }) {
      return (await dedup.clear({ workspaceId, subscriptionId, eventId, revision })) > 0;
    },
  };
}
