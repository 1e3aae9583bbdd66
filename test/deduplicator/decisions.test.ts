import { describe, expect, it, vi } from "vitest";
import { Deduplicator } from "../../src/deduplicator.ts";
import { dedupKey } from "../../src/model/identity.ts";
import { memoryStore } from "../../src/stores/memory-store.ts";
import { answering, outage, silence, throwing } from "../support/faulty-store.ts";
import {
  calling,
  commitEvent,
  duplicate,
  event,
  LEASE_MS,
  pending,
  resolved,
  SKEW_MS,
  task,
  unseen,
  WINDOW_MS,
  watched,
  world,
} from "../support/replicas.ts";

describe("the first delivery of an event", () => {
  it("is unseen, and its reservation contains what the handler needs", async () => {
    const { clock, memory, replica } = world();
    const { dedup } = replica("a");
    const reservation = await unseen(dedup.reserve(event));
    expect(reservation).toMatchObject({
      decision: "unseen",
      key: dedupKey("sub-1", "evt-1"),
      attempt: 1,
      owner: "a",
      unprotected: false,
    });
    expect(reservation.signal.aborted).toBe(false);
    expect(await memory.get(resolved.storeKey)).toEqual({
      key: resolved.storeKey,
      revision: reservation.fence,
      endsAtMs: clock.wallMs() + LEASE_MS + SKEW_MS,
      record: {
        v: 1,
        state: "reserved",
        workspaceId: "default",
        subscriptionId: "sub-1",
        eventId: "evt-1",
        owner: "a",
        token: "token-1",
        attempt: 1,
        fence: 0,
        leaseMs: LEASE_MS,
        atMs: clock.wallMs(),
      },
    });
    await reservation.release();
  });

  it("is dispatched and committed by guard, which reports both", async () => {
    const { memory, replica } = world();
    const { dedup } = replica("a");
    const outcome = await dedup.guard(event, ({ fence }) => ({ fence }));
    expect(outcome).toEqual({
      outcome: "dispatched",
      key: dedupKey("sub-1", "evt-1"),
      value: { fence: expect.any(Number) },
      commit: "confirmed",
    });
    const entry = await memory.get(resolved.storeKey);
    expect(entry?.record).toMatchObject({ state: "committed", owner: "a", token: "token-1", attempt: 1 });
    expect(outcome).toMatchObject({ value: { fence: entry?.record.fence } });
  });

  it("is independent of the same event in another workspace or subscription", async () => {
    const { replica } = world();
    const a = replica("a");
    const others = [
      { ...event, workspaceId: "w" },
      { ...event, subscriptionId: "sub-2" },
      { ...event, eventId: "e" },
    ];
    await commitEvent(a);
    for (const other of others) await commitEvent(a, other);
    for (const other of [event, ...others]) await duplicate(a.dedup.reserve(other));
    await duplicate(a.dedup.reserve({ ...event, workspaceId: "default" }));
  });
});

describe("a replay", () => {
  it("G3 inside the window is a duplicate: it is not dispatched, and it has the times of the first commit and of the window's end", async () => {
    const { clock, pass, replica } = world();
    const [a, b] = [replica("a"), replica("b")];
    await pass(5_000);
    await commitEvent(a);
    const committedAt = clock.wallMs();
    const windowEndsAtMs = committedAt + WINDOW_MS;
    expect((await b.dedup.peek(event))?.endsAtMs).toBe(windowEndsAtMs);
    await pass(WINDOW_MS - 1);
    for (const { dedup } of [a, b]) {
      const again = task();
      const outcome = await dedup.guard(event, again.handler);
      expect(outcome).toEqual({ outcome: "duplicate", key: resolved.key, committedAt, windowEndsAtMs });
      expect(again.runs()).toBe(0);
      expect(await dedup.reserve(event)).toEqual({
        decision: "duplicate",
        key: resolved.key,
        committedAt,
        windowEndsAtMs,
      });
    }
  });

  it("is unseen after the window", async () => {
    const { pass, replica } = world();
    const [a, b] = [replica("a"), replica("b")];
    await commitEvent(a);
    await pass(WINDOW_MS);
    await commitEvent(b);
  });

  it.each([
    ["a shorter", 5_000],
    ["a longer", 2 * WINDOW_MS],
  ])("keeps to %s window of its own", async (_, windowMs) => {
    const { pass, replica } = world();
    const { dedup } = replica("a");
    await dedup.guard(event, () => {}, { windowMs });
    await pass(windowMs - 1);
    await duplicate(dedup.reserve(event));
    await pass(1);
    await unseen(dedup.reserve(event));
  });

  it("leaves the committed key unchanged when its handling fails", async () => {
    const { memory, replica } = world();
    const a = replica("a", { cacheSize: 0 });
    await commitEvent(a);
    const committed = await memory.get(resolved.storeKey);
    const handling = async (): Promise<void> => {
      const { outcome } = await a.dedup.guard(event, () => {});
      if (outcome === "duplicate") throw new Error("cannot acknowledge");
    };
    a.store.calls.length = 0;
    await expect(handling()).rejects.toThrow("cannot acknowledge");
    expect(a.store.calls.map(({ method }) => method)).toEqual(["put"]);
    expect(await memory.get(resolved.storeKey)).toEqual(committed);
    await duplicate(a.dedup.reserve(event));
  });
});

describe("a dispatch that throws", () => {
  const errors: ReadonlyArray<readonly [string, unknown]> = [
    ["an error", new TypeError("no")],
    ["a frozen object", Object.freeze({ code: 7 })],
    ["a string", "no"],
    ["nothing", undefined],
    ["null", null],
    ["zero", 0],
  ];

  it.each(errors)("G7 releases the key and rethrows %s unchanged", async (_, error) => {
    const { memory, replica } = world();
    const [a, b] = [replica("a"), replica("b")];
    const ways = [
      () => {
        throw error;
      },
      async () => {
        throw error;
      },
    ];
    for (const handler of ways) {
      const caught = await a.dedup.guard(event, handler).then(
        () => "nothing was thrown",
        (reason: unknown) => ({ reason }),
      );
      expect(caught).toEqual({ reason: error });
      expect(typeof caught === "object" && Object.is(caught.reason, error)).toBe(true);
      expect(await memory.get(resolved.storeKey)).toBeUndefined();
    }
    expect(a.trail()).toEqual(["reserved", "failed", "released", "reserved", "failed", "released"]);
    expect(a.steps[1]).toMatchObject({ type: "failed", error });
    await commitEvent(b);
  });

  const failures = [
    ["reports an outage", outage],
    ["throws another error", throwing(new Error("broken"))],
    ["throws a value that is no error", throwing(undefined)],
    ["returns undefined", answering(undefined)],
    ["returns a string", answering("OK")],
    ["returns a conflict whose record is unreadable", answering({ ok: false, current: { revision: 1, record: {} } })],
    ["reports a conflict", answering({ ok: false })],
  ] as const;

  it.each(failures)("G7 rethrows the handler's error even if the store's remove %s", async (_, fault) => {
    const { clock, pass, replica } = world();
    const [a, b] = [replica("a"), replica("b")];
    const error = new Error("the dispatch failed");
    a.store.breakDown(fault, ["remove"]);
    await expect(a.dedup.guard(event, () => Promise.reject(error))).rejects.toBe(error);
    expect(clock.timers).toBe(0);
    expect(a.steps.at(-1)).toMatchObject({ type: "released", left: "reservation" });
    await pending(b.dedup.reserve(event));
    await pass(LEASE_MS + SKEW_MS);
    await commitEvent(b);
  });

  it("G7 rethrows the handler's error even if the store never answers the remove", async () => {
    const { clock, pass, replica } = world();
    const { dedup, store, steps } = replica("a");
    const error = new Error("the dispatch failed");
    store.breakDown(silence, ["remove"]);
    const outcome = watched(dedup.guard(event, () => Promise.reject(error)));
    await pass(LEASE_MS);
    expect(outcome.state()).toBe("rejected");
    await expect(outcome.promise).rejects.toBe(error);
    expect(steps.at(-1)).toMatchObject({ type: "released", left: "reservation" });
    expect(clock.timers).toBe(0);
  });

  it("G7 rethrows the handler's error even if the store fails during the dispatch", async () => {
    const { pass, replica } = world();
    const { dedup, store } = replica("a");
    const work = task();
    const outcome = dedup.guard(event, work.handler);
    await work.reservation;
    store.breakDown(outage);
    await pass(2 * LEASE_MS);
    const error = new Error("the dispatch failed");
    work.fail(error);
    await expect(outcome).rejects.toBe(error);
  });

  it("does not release the key of a later holder", async () => {
    const { memory, pass, replica } = world();
    const [a, b] = [replica("a", { renew: false }), replica("b")];
    const work = task();
    const outcome = a.dedup.guard(event, work.handler);
    await work.reservation;
    await pass(LEASE_MS + SKEW_MS);
    const later = await unseen(b.dedup.reserve(event));
    work.fail(new Error("late"));
    await expect(outcome).rejects.toThrow("late");
    expect(await memory.get(resolved.storeKey)).toMatchObject({ revision: later.fence, record: { owner: "b" } });
    expect(await later.commit()).toEqual({ commit: "confirmed" });
  });
});

describe("a store that cannot remove", () => {
  it("leaves a released key to expire with its lease, without an error", async () => {
    const { clock, memory, pass, replica } = world();
    const { put, get } = memory;
    const { dedup, steps } = replica("a", { store: { put, get } });
    const error = new Error("the dispatch failed");
    await expect(dedup.guard(event, () => Promise.reject(error))).rejects.toBe(error);
    expect(steps.at(-1)).toMatchObject({ type: "released", left: "reservation" });
    expect(clock.timers).toBe(0);
    await pass(LEASE_MS + SKEW_MS - 1);
    await pending(dedup.reserve(event));
    await pass(1);
    await unseen(dedup.reserve(event));
  });

  it("keeps its commits", async () => {
    const { memory, replica } = world();
    const { put, get } = memory;
    const a = replica("a", { store: { put, get } });
    await commitEvent(a);
    await duplicate(a.dedup.reserve(event));
  });
});

describe("a reservation", () => {
  it("makes the next delivery unseen on every replica as soon as it is released", async () => {
    const { replica } = world();
    const [a, b] = [replica("a"), replica("b")];
    const reservation = await unseen(a.dedup.reserve(event));
    await pending(b.dedup.reserve(event));
    await reservation.release();
    await reservation.release();
    expect(a.trail()).toEqual(["reserved", "released"]);
    await unseen(b.dedup.reserve(event));
  });

  it("rejects a commit after its release", async () => {
    const { memory, replica } = world();
    const { dedup } = replica("a");
    const reservation = await unseen(dedup.reserve(event));
    const released = reservation.release();
    await expect(reservation.commit()).rejects.toMatchObject({ name: "LatchkeyError", code: "reservation-released" });
    await released;
    await expect(reservation.commit()).rejects.toMatchObject({ code: "reservation-released" });
    expect(await memory.get(resolved.storeKey)).toBeUndefined();
  });

  it("ignores a release after its commit", async () => {
    const { memory, replica } = world();
    const { dedup, store, trail } = replica("a");
    const reservation = await unseen(dedup.reserve(event));
    const commit = reservation.commit();
    await reservation.release();
    expect(await commit).toEqual({ commit: "confirmed" });
    await reservation.release();
    await reservation[Symbol.asyncDispose]();
    expect((await memory.get(resolved.storeKey))?.record.state).toBe("committed");
    expect(store.calls.map(({ method }) => method)).toEqual(["put", "put"]);
    expect(trail()).toEqual(["reserved", "dispatched", "committed"]);
  });

  it("returns the first commit's answer for every commit, and records the first", async () => {
    const { memory, replica } = world();
    const { dedup, store } = replica("a", { keepResults: true });
    const reservation = await unseen(dedup.reserve(event));
    const reports = await Promise.all([reservation.commit("first"), reservation.commit("second")]);
    expect([...reports, await reservation.commit("third")]).toEqual(Array(3).fill({ commit: "confirmed" }));
    expect(store.calls).toHaveLength(2);
    expect((await memory.get(resolved.storeKey))?.record).toMatchObject({ result: "first" });
  });

  it("is released when it is disposed", async () => {
    const { memory, replica } = world();
    const { dedup } = replica("a");
    {
      await using reservation = await unseen(dedup.reserve(event));
      expect(reservation.attempt).toBe(1);
    }
    expect(await memory.get(resolved.storeKey)).toBeUndefined();
    {
      await using reservation = await unseen(dedup.reserve(event));
      await reservation.commit();
    }
    await duplicate(dedup.reserve(event));
  });

  it("accepts a commit from the handler itself", async () => {
    const { replica } = world();
    const { dedup, store } = replica("a");
    const outcome = await dedup.guard(event, async (reservation) => reservation.commit());
    expect(outcome).toMatchObject({ outcome: "dispatched", value: { commit: "confirmed" }, commit: "confirmed" });
    expect(store.calls).toHaveLength(2);
  });

  it("stays committed when the handler commits and then throws", async () => {
    const { replica } = world();
    const { dedup } = replica("a");
    const error = new Error("after the commit");
    const outcome = dedup.guard(event, async (reservation) => {
      await reservation.commit();
      throw error;
    });
    await expect(outcome).rejects.toBe(error);
    await duplicate(dedup.reserve(event));
  });

  it("F3 F8 writes the reservation with lease plus skew as its time to live, and the commit with the window", async () => {
    const { pass, replica } = world();
    const { dedup, store } = replica("a", { skewMs: 500 });
    const reservation = await unseen(dedup.reserve(event, { leaseMs: 3_000, windowMs: 60_000 }));
    await pass(1_000);
    await reservation.commit();
    expect(store.calls).toMatchObject([
      { method: "put", ttlMs: 3_500, record: { state: "reserved", fence: 0, leaseMs: 3_000 } },
      { method: "put", ttlMs: 3_500, record: { state: "reserved", fence: reservation.fence, leaseMs: 3_000 } },
      { method: "put", ttlMs: 60_000, record: { state: "committed", fence: reservation.fence, leaseMs: 3_000 } },
    ]);
  });
});

describe("an attempt", () => {
  it("starts at the number that the transport reports", async () => {
    const { dedup } = world().replica("a");
    expect(await unseen(dedup.reserve(event, { attempt: 4 }))).toMatchObject({ attempt: 4 });
    expect((await dedup.peek(event))?.record.attempt).toBe(4);
  });

  it.each([
    [1, 3],
    [7, 7],
  ])("is numbered one more than the crashed attempt it replaces, and at least %i", async (attempt, counted) => {
    const { memory, pass, replica } = world();
    // The store keeps the record: replicas must observe the end of the lease themselves.
    const put: typeof memory.put = (key, record, how) => memory.put(key, record, { ...how, ttlMs: WINDOW_MS });
    const store = { ...memory, put };
    const [a, b] = [replica("a", { store, renew: false }), replica("b", { store })];
    await unseen(a.dedup.reserve(event, { attempt: 2 }));
    await pending(b.dedup.reserve(event, { attempt }));
    await pass(LEASE_MS + SKEW_MS);
    expect(await unseen(b.dedup.reserve(event, { attempt }))).toMatchObject({ attempt: counted, owner: "b" });
    expect((await memory.get(resolved.storeKey))?.record).toMatchObject({ attempt: counted, owner: "b" });
  });

  it("G5 gets a higher fence after a release, an expired lease, a takeover, a clear and an expired window", async () => {
    const { pass, replica } = world();
    const [a, b] = [replica("a", { renew: false }), replica("b", { renew: false })];
    const fences: number[] = [];
    const reserve = async ({ dedup }: typeof a) => {
      const reservation = await unseen(dedup.reserve(event));
      fences.push(reservation.fence);
      return reservation;
    };
    await (await reserve(a)).release();
    await reserve(b);
    await pass(LEASE_MS + SKEW_MS);
    await reserve(a);
    await b.dedup.clear(event);
    await (await reserve(b)).commit();
    await pass(WINDOW_MS);
    await reserve(a);
    expect(fences).toEqual([...new Set(fences)].sort((one, other) => one - other));
    expect(fences).toHaveLength(5);
  });

  it("G5 keeps its fence through renewals and into the commit", async () => {
    const { memory, pass, replica } = world();
    const { dedup } = replica("a");
    const reservation = await unseen(dedup.reserve(event));
    await pass(3 * LEASE_MS);
    expect((await memory.get(resolved.storeKey))?.record.fence).toBe(reservation.fence);
    await reservation.commit();
    expect((await memory.get(resolved.storeKey))?.record.fence).toBe(reservation.fence);
  });
});

describe("the arguments of a deduplicator", () => {
  it("are rejected before the store is asked when they are invalid", async () => {
    const { replica } = world();
    const { dedup, store } = replica("a");
    const reserve = (...args: readonly unknown[]) => calling(dedup, "reserve", ...args);
    const guard = (...args: readonly unknown[]) => calling(dedup, "guard", ...args);
    await expect(reserve(undefined)).rejects.toThrow(TypeError);
    await expect(reserve({ subscriptionId: "sub-1" })).rejects.toThrow("Expected `eventId` to be");
    await expect(reserve({ ...event, workspaceId: "" })).rejects.toThrow("Expected `workspaceId` to be");
    await expect(reserve(event, { windowMs: 999 })).rejects.toThrow(RangeError);
    await expect(reserve(event, { leaseMs: "1" })).rejects.toThrow("Expected `leaseMs` to be");
    await expect(reserve(event, { attempt: 0 })).rejects.toThrow("Expected `attempt` to be");
    await expect(reserve(event, { onPending: "sleep" })).rejects.toThrow("Expected `onPending` to be");
    await expect(reserve(event, { fingerprint: "" })).rejects.toThrow("Expected `fingerprint` to be");
    await expect(reserve(event, { signal: {} })).rejects.toThrow("Expected `signal` to be");
    await expect(reserve(event, null)).rejects.toThrow("Expected `options` to be");
    await expect(guard(event)).rejects.toThrow("Expected `handler` to be a function, got `undefined` (undefined)");
    await expect(guard(event, {})).rejects.toThrow("Expected `handler` to be");
    await expect(dedup.close({ drainMs: -1 })).rejects.toThrow("Expected `drainMs` to be");
    await expect(calling(dedup, "subscribe", undefined)).rejects.toThrow("Expected `listener` to be a function");
    expect(store.calls).toEqual([]);
    await unseen(dedup.reserve(event));
  });

  it("may include a `newId` that fails: the call rejects and leaves nothing behind", async () => {
    const { clock, replica } = world();
    const newId = vi.fn((): string => {
      throw new Error("no more ids");
    });
    const { dedup, store } = replica("a", { newId });
    await expect(dedup.reserve(event)).rejects.toThrow("no more ids");
    newId.mockReturnValueOnce("");
    await expect(dedup.reserve(event)).rejects.toThrow("Expected `the answer of newId` to be a string");
    newId.mockReturnValueOnce("token-1");
    await (await unseen(dedup.reserve(event))).commit();
    await dedup.close();
    expect(store.calls).toHaveLength(2);
    expect(clock.timers).toBe(0);
  });

  it("are all optional except the store: the owner name is generated", async () => {
    const dedup = new Deduplicator({ store: memoryStore() });
    expect(dedup).toMatchObject({ leaseMs: LEASE_MS, skewMs: SKEW_MS });
    expect(dedup.owner).toContain(`/${process.pid}/`);
    expect(await dedup.guard(event, () => "done")).toMatchObject({ outcome: "dispatched", value: "done" });
    expect(new Deduplicator({ store: memoryStore() }).owner).not.toBe(dedup.owner);
  });
});

describe("a reservation that is spread or destructured", () => {
  it("keeps its signal, commit and release", async () => {
    const { replica } = world();
    const a = replica("a");
    const reservation = await unseen(a.dedup.reserve(event));
    const { signal, commit } = { ...reservation };
    expect(signal).toBe(reservation.signal);
    expect(await commit("done")).toEqual({ commit: "confirmed" });
    const { release } = await unseen(a.dedup.reserve({ ...event, eventId: "another" }));
    await release();
    await unseen(a.dedup.reserve({ ...event, eventId: "another" }));
  });

  it("carries the idempotency key of its tenant", async () => {
    const { replica } = world();
    const a = replica("a");
    const [first, second] = [
      await unseen(a.dedup.reserve(event)),
      await unseen(a.dedup.reserve({ ...event, workspaceId: "tenant-b" })),
    ];
    expect(first.idempotencyKey).toBe(first.key);
    expect(second.key).toBe(first.key);
    expect(second.idempotencyKey).not.toBe(first.idempotencyKey);
  });
});
