import type { StoreKey } from "../../model/identity.ts";
import type { DedupRecord } from "../../model/record.ts";
import type { Revision, Store } from "../../model/store.ts";
import { conflictResult, type OperationRequest, type Operations, recordedEntry } from "./operations.ts";

/** Returns a store that records each of its operations. */
export function recordedStore(store: Store, removals: "release" | "clear", operations: Operations): Store {
  const { maxWindowMs, invalidation } = store;
  const remove = store.remove?.bind(store);
  const list = store.list?.bind(store);
  const watch = store.watch?.bind(store);
  const close = store.close?.bind(store);
  return {
    ...(maxWindowMs === undefined ? {} : { maxWindowMs }),
    put: (key, record, how) =>
      operations.record(
        { ...requestFor(record), key, ...how },
        () => store.put(key, record, how),
        (put) => (put.ok ? { type: "ok", revision: put.revision } : conflictResult(put.current)),
      ),
    get: (key) =>
      operations.record(
        { operation: "read", key },
        () => store.get(key),
        (entry) => ({ type: "ok", ...(entry === undefined ? { revision: 0 } : recordedEntry(entry)) }),
      ),
    ...(remove && {
      remove: (key: StoreKey, how: { readonly expected: Revision }) =>
        operations.record(
          { operation: removals, key, ...how },
          () => remove(key, how),
          (removal) => (removal.ok ? { type: "ok" } : conflictResult(removal.current)),
        ),
    }),
    ...(list && { list }),
    ...(watch && { watch }),
    ...(invalidation && { invalidation }),
    ...(close && { close }),
  };
}

function requestFor({ state, eventId, token, fence, leaseMs }: DedupRecord): Omit<OperationRequest, "key"> {
  const operation = state === "committed" ? "commit" : fence === 0 ? "reserve" : "renew";
  return { operation, event: eventId, token, fence, leaseMs };
}
