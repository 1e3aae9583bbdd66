import type { Clock } from "../../internal/clock.ts";
import type { Store } from "../../model/store.ts";

/** When each event was first committed, as seen at the store's door: no later than the moment at which the store was asked. */
export type Commits = Map<string, number>;

/** Notes the commits that the store took. */
export function witnessedStore(store: Store, commits: Commits, clock: Clock): Store {
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
