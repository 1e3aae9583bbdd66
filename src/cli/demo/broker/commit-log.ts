import type { Clock } from "../../../internal/clock.ts";
import type { Store } from "../../../model/store.ts";

/** Time of each event's first commit: the moment before the store was asked, by the local monotonic clock. */
export type CommitTimes = Map<string, number>;

/** Wraps a store and records its accepted commits. */
export function loggedStore(store: Store, commits: CommitTimes, clock: Clock): Store {
  const { maxWindowMs } = store;
  const remove = store.remove?.bind(store);
  return {
    ...(maxWindowMs === undefined ? {} : { maxWindowMs }),
    async put(key, record, how) {
      const askedMs = clock.monotonicMs();
      const put = await store.put(key, record, how);
      const isFirst = put.ok && record.state === "committed" && !commits.has(record.eventId);
      if (isFirst) commits.set(record.eventId, askedMs);
      return put;
    },
    get: (key) => store.get(key),
    ...(remove === undefined ? {} : { remove: (key, how) => remove(key, how) }),
  };
}
