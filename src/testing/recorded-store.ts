import { isStoreUnavailable } from "../errors.ts";
import type { Invoked, Seen } from "../history.ts";
import type { StoreKey } from "../key.ts";
import type { DedupRecord } from "../record.ts";
import type { Revision, Store } from "../store.ts";

/** How an operation ended: the revision that its answer tells of, or that it met another one. */
type Ending =
  | { readonly type: "ok"; readonly revision?: Revision }
  | { readonly type: "fail"; readonly because: "conflict"; readonly revision?: Revision };

/** A store, each of whose operations is noted: when it is sent, and how it ended. */
export function recordedStore(store: Store, removals: "release" | "clear", note: (seen: Seen) => void): Store {
  let operations = 0;
  const recorded = async <Answer>(
    invoked: Omit<Invoked, "type" | "op">,
    ask: () => Promise<Answer>,
    endingOf: (answer: Answer) => Ending,
  ): Promise<Answer> => {
    const op = ++operations;
    note({ type: "invoke", op, ...invoked });
    let answer: Answer;
    try {
      answer = await ask();
    } catch (error) {
      const isRefused = isStoreUnavailable(error) && !error.ambiguous;
      note(isRefused ? { type: "fail", op, because: "refused" } : { type: "unknown", op, because: String(error) });
      throw error;
    }
    note({ op, ...endingOf(answer) });
    return answer;
  };
  const conflict = (revision: Revision | undefined): Ending => ({
    type: "fail",
    because: "conflict",
    ...(revision === undefined ? {} : { revision }),
  });
  const { maxWindowMs } = store;
  const remove = store.remove?.bind(store);
  const list = store.list?.bind(store);
  const watch = store.watch?.bind(store);
  const close = store.close?.bind(store);
  return {
    ...(maxWindowMs === undefined ? {} : { maxWindowMs }),
    put: (key, record, how) =>
      recorded(
        { ...operationOf(record), key, ...how },
        () => store.put(key, record, how),
        (put) => (put.ok ? { type: "ok", revision: put.revision } : conflict(put.current?.revision)),
      ),
    get: (key) =>
      recorded(
        { operation: "read", key },
        () => store.get(key),
        (entry) => ({ type: "ok", revision: entry?.revision ?? 0 }),
      ),
    ...(remove && {
      remove: (key: StoreKey, how: { readonly expected: Revision }) =>
        recorded(
          { operation: removals, key, ...how },
          () => remove(key, how),
          (removal) => (removal.ok ? { type: "ok" } : conflict(removal.current?.revision)),
        ),
    }),
    ...(list && { list }),
    ...(watch && { watch }),
    ...(close && { close }),
  };
}

function operationOf({ state, eventId, token, fence, leaseMs }: DedupRecord): Omit<Invoked, "type" | "op" | "key"> {
  const operation = state === "committed" ? "commit" : fence === 0 ? "reserve" : "renew";
  return { operation, event: eventId, token, fence, leaseMs };
}
