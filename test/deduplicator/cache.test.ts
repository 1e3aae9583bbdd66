import { describe, expect, it } from "vitest";
import { Deduplicator } from "../../src/deduplicator.ts";
import { FingerprintMismatchError } from "../../src/errors.ts";
import type { DedupRecord } from "../../src/model/record.ts";
import type { CacheInvalidation, Put, Store } from "../../src/model/store.ts";
import { CacheEpoch } from "../../src/stores/cache-epoch.ts";
import { answerLost, held, landsLate, outage, silence, slowAnswer, writeLost } from "../support/faulty-store.ts";
import {
  commitEvent,
  duplicate,
  event,
  LEASE_MS,
  pending,
  type Replica,
  resolved,
  SKEW_MS,
  task,
  unseen,
  WINDOW_MS,
  watched,
  world,
} from "../support/replicas.ts";

/** Returns how many store calls the replica makes during an action. */
function callsOf({ store }: Replica, during: () => Promise<unknown>): Promise<number> {
  store.calls.length = 0;
  return during().then(() => store.calls.length);
}

describe("a replica's own commit", () => {
  it("answers duplicates from memory, even while the store is unavailable", async () => {
    const { memory, pass, replica } = world();
    const a = replica("a");
    await commitEvent(a);
    await pass(1_000);
    a.store.breakDown(outage);
    const before = a.steps.length;
    expect(
      await callsOf(a, async () => {
        expect(await a.dedup.guard(event, () => "again")).toEqual({
          outcome: "duplicate",
          key: resolved.key,
          committedAt: a.steps.find(({ type }) => type === "committed")?.atMs,
          windowEndsAtMs: (await memory.get(resolved.storeKey))?.endsAtMs,
        });
      }),
    ).toBe(0);
    expect(a.steps.slice(before)).toMatchObject([
      { type: "duplicate", identity: resolved, owner: "a", attempt: 1, fence: 1, revision: 2, durationMs: 0 },
    ]);
  });

  it("answers with the same result, fingerprint, attempt and fence as the store", async () => {
    const { replica } = world();
    const [a, asking] = [replica("a"), replica("b", { cacheSize: 0 })];
    const options = { keepResult: true, fingerprint: "f-1", attempt: 3 };
    await a.dedup.guard(event, () => ({ run: ["run-1"] }), options);
    const fromCache = await duplicate(a.dedup.reserve(event));
    expect(fromCache).toEqual(await duplicate(asking.dedup.reserve(event)));
    const { type: _, durationMs: __, ...step } = a.steps.at(-1) ?? {};
    expect(asking.steps.at(-1)).toMatchObject(step);
    expect(Object.assign(fromCache.result ?? {}, { run: [] })).toEqual({ run: [] });
    expect(await a.dedup.reserve(event)).toMatchObject({ result: { run: ["run-1"] } });
    expect(await a.dedup.reserve(event, { fingerprint: "f-1" })).toMatchObject({ decision: "duplicate" });
    await expect(a.dedup.reserve(event, { fingerprint: "f-2" })).rejects.toThrow(FingerprintMismatchError);
  });

  it("is read from the store when its result is large", async () => {
    const { replica } = world();
    const a = replica("a", { keepResults: true });
    const large = "x".repeat(1_023);
    await a.dedup.guard(event, () => large);
    expect(await callsOf(a, () => a.dedup.reserve(event))).toBe(1);
    expect(await a.dedup.reserve(event)).toMatchObject({ decision: "duplicate", result: large });
    const other = { ...event, eventId: "evt-2" };
    await a.dedup.guard(other, () => large.slice(1));
    expect(await callsOf(a, () => a.dedup.reserve(other))).toBe(0);
  });

  it.each<[string, number | undefined]>([
    ["the default window", undefined],
    ["a window of its own", 5_000],
  ])("G3 answers duplicates until %s ends, and no longer", async (_, windowMs) => {
    const { pass, replica } = world();
    const a = replica("a");
    await a.dedup.guard(event, () => {}, windowMs === undefined ? {} : { windowMs });
    await pass((windowMs ?? WINDOW_MS) - 1);
    expect(await callsOf(a, () => duplicate(a.dedup.reserve(event)))).toBe(0);
    await pass(1);
    await unseen(a.dedup.reserve(event));
  });

  it("starts its window before the write is sent, even if the acknowledgement is slow", async () => {
    const { clock, pass, replica } = world();
    const a = replica("a");
    const reservation = await unseen(a.dedup.reserve(event, { windowMs: 5_000 }));
    a.store.script("put", slowAnswer(clock, 4_000));
    const committed = reservation.commit();
    await pass(4_000);
    await committed;
    await pass(999);
    expect(await callsOf(a, () => duplicate(a.dedup.reserve(event)))).toBe(0);
    await pass(1);
    await unseen(a.dedup.reserve(event));
  });

  it("starts its window before the first send when the write is retried", async () => {
    const { pass, replica } = world();
    const a = replica("a");
    const reservation = await unseen(a.dedup.reserve(event, { windowMs: 2_000 }));
    a.store.script("put", answerLost);
    const committed = reservation.commit();
    await pass(50);
    expect(await committed).toEqual({ commit: "confirmed" });
    await pass(1_949);
    expect(await callsOf(a, () => duplicate(a.dedup.reserve(event)))).toBe(0);
    await pass(1);
    await unseen(a.dedup.reserve(event));
  });

  it("F7 answers no duplicate before it is acknowledged", async () => {
    const { replica } = world();
    const a = replica("a");
    const reservation = await unseen(a.dedup.reserve(event));
    const late = held();
    a.store.script("put", late.fault);
    const committed = reservation.commit();
    expect(await pending(a.dedup.reserve(event))).toMatchObject({ owner: "a" });
    await late.go();
    await committed;
    expect(await callsOf(a, () => duplicate(a.dedup.reserve(event)))).toBe(0);
  });

  it.each([
    ["it is unknown whether the write was applied", [writeLost, silence]],
    ["the store refused the write", [outage]],
  ])("F7 answers no duplicate before the commit is stored, when %s", async (_, faults) => {
    const { memory, pass, replica } = world();
    const a = replica("a", { renew: false });
    const reservation = await unseen(a.dedup.reserve(event));
    a.store.script("put", ...faults);
    a.store.breakDown(outage);
    const committed = watched(reservation.commit());
    await pass(LEASE_MS + SKEW_MS);
    expect(await committed.promise).toEqual({ commit: "unconfirmed" });
    await expect(a.dedup.reserve(event)).rejects.toMatchObject({ code: "store-unavailable" });
    expect(await memory.get(resolved.storeKey)).toBeUndefined();
    a.store.heal();
    await duplicate(a.dedup.reserve(event));
    expect(await memory.get(resolved.storeKey)).toMatchObject({ record: { state: "committed" } });
  });

  it("F7 answers no duplicate after another replica takes the key or after a release", async () => {
    const { pass, replica } = world();
    const [a, b] = [replica("a", { renew: false }), replica("b")];
    const late = await unseen(a.dedup.reserve(event));
    await pass(LEASE_MS + SKEW_MS);
    const taken = await unseen(b.dedup.reserve(event));
    expect(await late.commit()).toEqual({ commit: "superseded" });
    expect(await pending(a.dedup.reserve(event))).toMatchObject({ owner: "b" });
    await taken.release();
    await (await unseen(a.dedup.reserve(event))).release();
    await unseen(a.dedup.reserve(event));
  });

  it("answers duplicates after it adopts a late dispatch", async () => {
    const { pass, replica } = world();
    const a = replica("a", { renew: false });
    const late = await unseen(a.dedup.reserve(event));
    await pass(LEASE_MS + SKEW_MS);
    expect(await late.commit()).toEqual({ commit: "adopted" });
    expect(await callsOf(a, () => duplicate(a.dedup.reserve(event)))).toBe(0);
  });

  it("answers only for its own workspace", async () => {
    const { replica } = world();
    const a = replica("a");
    await commitEvent(a);
    await unseen(a.dedup.reserve({ ...event, workspaceId: "other" }));
  });

  it("is evicted, and read from the store, after too many newer commits", async () => {
    const { replica } = world();
    const a = replica("a", { cacheSize: 4 });
    for (const eventId of ["1", "2", "3", "4", "5"]) await commitEvent(a, { ...event, eventId });
    for (const eventId of ["4", "5"])
      expect(await callsOf(a, () => duplicate(a.dedup.reserve({ ...event, eventId })))).toBe(0);
    expect(await callsOf(a, () => duplicate(a.dedup.reserve({ ...event, eventId: "1" })))).toBe(1);
  });

  it("is read from the store when `cacheSize` is 0", async () => {
    const { replica } = world();
    const a = replica("a", { cacheSize: 0 });
    await commitEvent(a);
    expect(await callsOf(a, () => duplicate(a.dedup.reserve(event)))).toBe(1);
  });

  it("is read from the store when the store has no cache invalidation", async () => {
    const { clock, memory } = world();
    const { invalidation: _, ...silent } = memory;
    let gets = 0;
    const store: Store = {
      ...silent,
      put: async (key, record, how) => {
        gets += 1;
        return silent.put(key, record, how);
      },
    };
    const dedup = new Deduplicator({ store, clock });
    await dedup.guard(event, () => {});
    await duplicate(dedup.reserve(event));
    expect(gets).toBe(3);
    expect(await dedup.clear(event)).toBe(1);
  });

  it("answers no call after `close()`", async () => {
    const { replica } = world();
    const a = replica("a");
    await commitEvent(a);
    await a.dedup.close();
    await expect(a.dedup.reserve(event)).rejects.toMatchObject({ code: "closed" });
  });
});

describe("a commit that was read from the store", () => {
  it("answers for 250 ms from when the read was sent, then is read again", async () => {
    const { pass, replica } = world();
    const [a, b] = [replica("a"), replica("b")];
    await commitEvent(a);
    await duplicate(b.dedup.reserve(event));
    await pass(249);
    expect(await callsOf(b, () => duplicate(b.dedup.reserve(event)))).toBe(0);
    expect(b.steps.at(-1)).toMatchObject({ type: "duplicate", owner: "a", fence: 1, revision: 2 });
    await pass(1);
    expect(await callsOf(b, () => duplicate(b.dedup.reserve(event)))).toBe(1);
  });

  it("outlives its window by at most 250 ms", async () => {
    const { pass, replica } = world();
    const [a, b] = [replica("a"), replica("b")];
    await a.dedup.guard(event, () => {}, { windowMs: 1_000 });
    await pass(999);
    await duplicate(b.dedup.reserve(event));
    await pass(250);
    await unseen(b.dedup.reserve(event));
  });

  it("is read from the store again when it has a result, because its size is unknown", async () => {
    const { replica } = world();
    const [a, b] = [replica("a", { keepResults: true }), replica("b")];
    await commitEvent(a);
    await duplicate(b.dedup.reserve(event));
    expect(await callsOf(b, () => duplicate(b.dedup.reserve(event)))).toBe(1);
  });

  it("F14 is read from the store again after a clear, because a stale read may show a removed commit", async () => {
    const { replica } = world();
    const [a, b] = [replica("a"), replica("b")];
    await b.dedup.clear({ subscriptionId: "another" });
    await commitEvent(a);
    await duplicate(b.dedup.reserve(event));
    expect(await callsOf(b, () => duplicate(b.dedup.reserve(event)))).toBe(1);
    expect(await callsOf(a, () => duplicate(a.dedup.reserve(event)))).toBe(0);
  });
});

describe("a clear", () => {
  it("invalidates the cache of every replica", async () => {
    const { replica } = world();
    const [a, b, operator] = [replica("a"), replica("b"), replica("operator", { cacheSize: 0 })];
    await commitEvent(a);
    await duplicate(b.dedup.reserve(event));
    expect(await operator.dedup.clear(event)).toBe(1);
    await (await unseen(b.dedup.reserve(event))).release();
    await unseen(a.dedup.reserve(event));
  });

  it("invalidates caches even if it finds nothing or fails partway, so that a retry is safe", async () => {
    const { memory, replica } = world();
    const [a, operator] = [replica("a"), replica("operator")];
    const before = memory.invalidation.epoch();
    await operator.dedup.clear(event);
    expect(memory.invalidation.epoch()).not.toBe(before);
    await commitEvent(a);
    operator.store.script("remove", answerLost);
    await expect(operator.dedup.clear(event)).rejects.toMatchObject({ code: "store-unavailable" });
    await unseen(a.dedup.reserve(event));
  });

  it("rejects when the cache invalidation fails", async () => {
    const { clock, memory } = world();
    const invalidation: CacheInvalidation = {
      epoch: () => 0,
      invalidate: () => Promise.reject(new Error("no receiver")),
    };
    const dedup = new Deduplicator({ store: { ...memory, invalidation }, clock });
    await expect(dedup.clear(event)).rejects.toThrow("no receiver");
  });

  it("keeps a commit out of the cache if it happens before the commit's acknowledgement", async () => {
    const { replica } = world();
    const [a, operator] = [replica("a"), replica("operator")];
    const reservation = await unseen(a.dedup.reserve(event));
    const applied = held();
    a.store.script("put", async (apply) => {
      const answer = await apply();
      return applied.fault(async () => answer);
    });
    const committed = reservation.commit();
    await duplicate(operator.dedup.reserve(event));
    expect(await operator.dedup.clear(event)).toBe(1);
    await applied.go();
    expect(await committed).toEqual({ commit: "confirmed" });
    await unseen(a.dedup.reserve(event));
  });

  it("keeps a commit out of the cache if it happens between its read and the answer", async () => {
    const { replica } = world();
    const [a, b, operator] = [replica("a"), replica("b"), replica("operator")];
    await commitEvent(a);
    const applied = held();
    b.store.script("put", async (apply) => {
      const answer = await apply();
      return applied.fault(async () => answer);
    });
    const outOfDate = duplicate(b.dedup.reserve(event));
    await operator.dedup.clear(event);
    await applied.go();
    await outOfDate;
    await unseen(b.dedup.reserve(event));
  });

  it("is not undone by a commit that lands after it", async () => {
    const { pass, replica } = world();
    const [a, operator] = [replica("a"), replica("operator")];
    const reservation = await unseen(a.dedup.reserve(event));
    const late = landsLate();
    a.store.script("put", late.fault);
    const committed = reservation.commit();
    await operator.dedup.clear(event);
    await late.go();
    await pass(50);
    expect(await committed).toEqual({ commit: "superseded" });
    await unseen(a.dedup.reserve(event));
  });
});

describe("a remote store", () => {
  /** Replicas that read the cache-invalidation epoch from a remote place. Their reads can be cut off. */
  function remoteReplicas() {
    const { clock, memory, pass } = world();
    let isAway = false;
    const place = {
      read: async () => {
        if (isAway) throw new Error("away");
        return memory.invalidation.epoch() ?? 0;
      },
      change: async () => {
        await memory.invalidation.invalidate();
        return memory.invalidation.epoch() ?? 0;
      },
    };
    const replica = (owner: string) => {
      const invalidation = new CacheEpoch(clock, place);
      let puts = 0;
      const put: Store["put"] = (key, record, how) => {
        puts += 1;
        return memory.put(key, record, how);
      };
      const dedup = new Deduplicator({ store: { ...memory, put, invalidation }, clock, owner });
      return { dedup, puts: () => puts };
    };
    return { pass, replica, cutReads: (away: boolean) => (isAway = away) };
  }

  it("is asked while the epoch is unknown, and the cache answers again once it is known", async () => {
    const { cutReads, pass, replica } = remoteReplicas();
    const { dedup, puts } = replica("a");
    await dedup.guard(event, () => {});
    await duplicate(dedup.reserve(event));
    expect(puts()).toBe(2);
    cutReads(true);
    await pass(2_000);
    await duplicate(dedup.reserve(event));
    expect(puts()).toBe(3);
    cutReads(false);
    await pass(1_000);
    await duplicate(dedup.reserve(event));
    await duplicate(dedup.reserve(event));
    expect(puts()).toBe(4);
  });

  it("resolves `clear` only when no replica serves the removed entries, including unreachable ones", async () => {
    const { cutReads, pass, replica } = remoteReplicas();
    const [a, operator] = [replica("a"), replica("operator")];
    await a.dedup.guard(event, () => {});
    await duplicate(a.dedup.reserve(event));
    expect(a.puts()).toBe(2);
    cutReads(true);
    const cleared = watched(operator.dedup.clear(event));
    await pass(1_999);
    expect(cleared.state()).toBe("waiting");
    await pass(1);
    expect(await cleared.promise).toBe(1);
    await unseen(a.dedup.reserve(event));
  });
});

describe("another replica's reservation", () => {
  it("is not read again within 250 ms once it is a second old", async () => {
    const { pass, replica } = world();
    const [a, b] = [replica("a"), replica("b")];
    const running = await unseen(a.dedup.reserve(event));
    await pending(b.dedup.reserve(event));
    await pass(1_000);
    const seen = await pending(b.dedup.reserve(event));
    await pass(249);
    expect(
      await callsOf(b, async () => {
        expect(await pending(b.dedup.reserve(event))).toEqual({ ...seen, retryAfterMs: seen.retryAfterMs - 249 });
      }),
    ).toBe(0);
    expect(b.steps.at(-1)).toMatchObject({ type: "pending", owner: "a", fence: 1, revision: 1 });
    await running.release();
    await pass(1);
    await unseen(b.dedup.reserve(event));
  });

  it("is read again for a waiting caller, and for a delivery that may be the holder's own", async () => {
    const { pass, replica } = world();
    const [a, b] = [replica("a"), replica("b")];
    const running = await unseen(a.dedup.reserve(event));
    await pending(b.dedup.reserve(event));
    await pass(1_000);
    await pending(b.dedup.reserve(event));
    const waiting = b.dedup.reserve(event, { onPending: "wait" });
    await running.release();
    await pass(50);
    await (await unseen(waiting)).release();
    await unseen(b.dedup.reserve(event));
  });

  it("is read again for a later attempt, which may be the holder's own redelivery", async () => {
    const { pass, replica } = world();
    const [a, b] = [replica("a"), replica("b")];
    const failing = task();
    const failed = watched(a.dedup.guard(event, failing.handler, { attempt: 1 }));
    await pending(b.dedup.reserve(event, { attempt: 1 }));
    await pass(1_000);
    await pending(b.dedup.reserve(event, { attempt: 1 }));
    failing.fail(new Error("the dispatch failed"));
    await pass(1);
    expect(failed.state()).toBe("rejected");
    await unseen(b.dedup.reserve(event, { attempt: 2 }));
  });

  it("is not compared by its fingerprint", async () => {
    const { pass, replica } = world();
    const [a, b] = [replica("a"), replica("b")];
    await unseen(a.dedup.reserve(event, { fingerprint: "f-1" }));
    await pending(b.dedup.reserve(event));
    await pass(1_000);
    await pending(b.dedup.reserve(event));
    await pending(b.dedup.reserve(event, { fingerprint: "f-2" }));
  });
});

describe("a store that breaks the contract of cache invalidation", () => {
  /** Creates a deduplicator whose epoch throws after `breakNow` is called or an answer to a put matches `breaks`. */
  function breakable(breaks: (record: DedupRecord, answer: Put) => boolean = () => false) {
    const { clock, memory, replica } = world();
    let isBroken = false;
    const breakNow = (): void => {
      isBroken = true;
    };
    const latest = (): number => {
      if (isBroken) throw new Error("the store is broken");
      return 0;
    };
    const put: Store["put"] = async (key, record, how) => {
      const answer = await memory.put(key, record, how);
      isBroken ||= breaks(record, answer);
      return answer;
    };
    const store = { ...memory, put, invalidation: { epoch: latest, invalidate: async () => {} } };
    return { clock, dedup: new Deduplicator({ store, clock }), breakNow, other: replica("b") };
  }

  it("confirms the running dispatch and rejects the next call if it breaks during a dispatch", async () => {
    const { clock, dedup, breakNow, other } = breakable();
    expect(await dedup.guard(event, breakNow)).toMatchObject({ outcome: "dispatched", commit: "confirmed" });
    await duplicate(other.dedup.reserve(event));
    await expect(dedup.reserve(event)).rejects.toThrow("the store is broken");
    expect(clock.timers).toBe(0);
  });

  it("confirms the commit and rejects the next call if it breaks during a commit", async () => {
    const { dedup } = breakable(({ state }) => state === "committed");
    expect(await dedup.guard(event, () => {})).toMatchObject({ outcome: "dispatched", commit: "confirmed" });
    await expect(dedup.reserve(event)).rejects.toThrow("the store is broken");
  });

  it("answers what the claim found and rejects the next call if it breaks during a claim", async () => {
    const { dedup, other } = breakable((_, { ok }) => !ok);
    await commitEvent(other);
    await duplicate(dedup.reserve(event));
    await expect(dedup.reserve(event)).rejects.toThrow("the store is broken");
  });

  it("causes a TypeError, never a duplicate", async () => {
    const { clock, memory } = world();
    const invalidation: CacheInvalidation = { epoch: () => 0, invalidate: async () => {} };
    Reflect.set(invalidation, "epoch", () => "7");
    const dedup = new Deduplicator({ store: { ...memory, invalidation }, clock });
    await expect(dedup.reserve(event)).rejects.toThrow(
      "Expected `the answer of store.invalidation.epoch` to be a number of at least 0, or undefined, got `7` (string)",
    );
  });
});
