import { isStoreUnavailable } from "../../src/errors.ts";
import type { DedupRecord } from "../../src/model/record.ts";
import type { Put, Store } from "../../src/model/store.ts";
import type { NatsStore } from "../../src/nats/index.ts";

/** Replaces methods of a store. `seen` is the same store, possibly with stale reads. */
type Override = (store: NatsStore, seen: NatsStore) => Partial<Store>;

/** Changes the time to live of every write. */
function withTtl(ttlMsOf: (record: DedupRecord, ttlMs: number) => number): Override {
  return (store) => ({
    put: (key, record, { expected, ttlMs }) => store.put(key, record, { expected, ttlMs: ttlMsOf(record, ttlMs) }),
  });
}

/** Overwrites the key unconditionally. */
async function overwrite(store: NatsStore, ...[key, record, { ttlMs }]: Parameters<Store["put"]>): Promise<Put> {
  for (;;) {
    const stored = await store.get(key);
    const put = await store.put(key, record, { expected: stored?.revision ?? 0, ttlMs });
    if (put.ok) return put;
  }
}

/** Flaws of a NATS store, by name. */
const flaws = {
  "a write is not checked": (store) => ({
    put: (key, record, how) => overwrite(store, key, record, how),
  }),
  "a write is checked only by a previous read": (store, seen) => ({
    async put(key, record, how) {
      const current = await seen.get(key);
      if ((current?.revision ?? 0) === how.expected) return overwrite(store, key, record, how);
      return current === undefined ? { ok: false } : { ok: false, current };
    },
  }),
  "a removal is not checked": (store) => ({
    async remove(key) {
      const stored = await store.get(key);
      return stored === undefined ? { ok: false } : store.remove(key, { expected: stored.revision });
    },
  }),
  "a removal is confirmed without effect": () => ({
    remove: () => Promise.resolve({ ok: true }),
  }),
  "no key expires": withTtl(() => 3_600_000),
  "reservations expire early": withTtl(({ state }, ttlMs) => (state === "reserved" ? 1_000 : ttlMs)),
  "commits expire early": withTtl(({ state }, ttlMs) => (state === "committed" ? 1_000 : ttlMs)),
  "a conflict renews the reservation": (store) => ({
    async put(key, record, how) {
      const put = await store.put(key, record, how);
      if (put.ok || put.current === undefined || put.current.record.owner === record.owner) return put;
      const { current } = put;
      await store.put(key, current.record, { expected: current.revision, ttlMs: how.ttlMs });
      return { ok: false };
    },
  }),
  "a reservation is shown as a commit": (store) => ({
    async put(key, record, how) {
      const put = await store.put(key, record, how);
      if (put.ok || put.current === undefined) return put;
      return { ok: false, current: { ...put.current, record: { ...put.current.record, state: "committed" } } };
    },
  }),
  "a missing answer counts as success": (store) => ({
    async put(key, record, how) {
      try {
        return await store.put(key, record, how);
      } catch (error) {
        if (isStoreUnavailable(error) && error.ambiguous) return { ok: true, revision: how.expected + 1 };
        throw error;
      }
    },
  }),
} satisfies Record<string, Override>;

export type NatsFlaw = keyof typeof flaws;

/** Returns the seen store, with one flaw if `flaw` is given. */
export function withFlaw(store: NatsStore, seen: NatsStore, flaw: NatsFlaw | undefined): Store {
  return flaw === undefined ? seen : { ...seen, ...flaws[flaw](store, seen) };
}
