import type { Deduplicator } from "../../deduplicator.ts";
import { parseStoreKey } from "../../key.ts";
import type { Entry, Store } from "../../store.ts";
import type { EventRef } from "../trace/trace-step.ts";

/** Looks into the store, and removes from it what stands under a key. */
export interface Keeper {
  /** Whether {@link remove} can do anything. */
  readonly canRemove: boolean;
  get(event: EventRef): Promise<Entry | undefined>;
  /** Removes exactly what was looked at; says whether it still stood there. */
  remove(event: EventRef, seen: Entry): Promise<boolean>;
}

export function storeKeeper(store: Store): Keeper {
  return {
    canRemove: store.remove !== undefined,
    get: (event) => store.get(parseStoreKey(event.storeKey)),
    async remove(_, { key, revision }) {
      const removal = await store.remove?.(key, { expected: revision });
      if (removal?.ok === true) await store.clears?.announce();
      return removal?.ok === true;
    },
  };
}

/** By the deduplicator's own operations, so that what it remembers of its keys stays right. */
export function dedupKeeper(dedup: Deduplicator): Keeper {
  return {
    canRemove: true,
    get: (event) => dedup.peek(event),
    async remove({ workspaceId, subscriptionId, eventId }, { revision }) {
      return (await dedup.clear({ workspaceId, subscriptionId, eventId, revision })) > 0;
    },
  };
}
