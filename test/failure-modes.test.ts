import { describe, expect, it } from "vitest";
import { LatchkeyError } from "../src/errors.ts";
import type { Store } from "../src/model/store.ts";
import { answering, answerLost, landsLate, outage, slowAnswer, throwing, writeLost } from "./support/faulty-store.ts";
import {
  BlockableClock,
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
  world,
} from "./support/replicas.ts";

// Failure modes of other systems, and what happens here. For modes of a server, a broker or its client, this file tests the core,
// and test/nats tests the rest.
//
// Two modes have no test here:
// F17 belongs to the broker: early redeliveries are `pending` here, and `consume` checks the settings when it starts.
// F19 is covered by the contract for all stores, in test/testing/store-contract, test/stores and test/nats.

describe("F1 a stale owner", () => {
  const endings = {
    commit: (reservation: Awaited<ReturnType<typeof unseen>>) => reservation.commit(),
    release: (reservation: Awaited<ReturnType<typeof unseen>>) => reservation.release(),
    disposal: (reservation: Awaited<ReturnType<typeof unseen>>) => reservation[Symbol.asyncDispose](),
  };

  it.each(Object.entries(endings))("does not change the new owner's record by its %s", async (_, end) => {
    const { memory, pass, replica } = world();
    const [a, b] = [replica("a", { renew: false }), replica("b")];
    const stale = await unseen(a.dedup.reserve(event));
    await pass(LEASE_MS + SKEW_MS);
    const owner = await unseen(b.dedup.reserve(event));
    const stored = await memory.get(resolved.storeKey);
    await end(stale);
    expect(await memory.get(resolved.storeKey)).toEqual(stored);
    expect(await owner.commit()).toEqual({ commit: "confirmed" });
  });

  it("does not change the new owner's record when both have the same name", async () => {
    const { memory, pass, replica } = world();
    const [a, b] = [replica("pod-0", { renew: false }), replica("pod-0")];
    const stale = await unseen(a.dedup.reserve(event));
    await pass(LEASE_MS + SKEW_MS);
    await commitEvent(b);
    const stored = await memory.get(resolved.storeKey);
    expect(await stale.commit()).toEqual({ commit: "superseded" });
    expect(await memory.get(resolved.storeKey)).toEqual(stored);
  });

  it("does not change the owner's record when its delivery was a duplicate or pending", async () => {
    const { memory, replica } = world();
    const [a, b] = [replica("a"), replica("b")];
    const owner = await unseen(a.dedup.reserve(event));
    await b.dedup.guard(event, () => {});
    expect(await memory.get(resolved.storeKey)).toMatchObject({ revision: owner.fence, record: { owner: "a" } });
    await owner.commit();
    await b.dedup.guard(event, () => {});
    expect(b.store.calls.map(({ method }) => method)).toEqual(["put", "put"]);
  });
});

describe("F2 a takeover", () => {
  it.each(["renewed", "committed"] as const)(
    "replaces only the ended reservation, not one that was %s since",
    async (since) => {
      const { memory, pass, replica } = world();
      const [a, b] = [replica("a"), replica("b")];
      const holder = await unseen(a.dedup.reserve(event));
      const snapshot = await memory.get(resolved.storeKey);
      const stale = answering({ ok: false, current: snapshot });
      b.store.script("put", stale);
      await pending(b.dedup.reserve(event));
      await pass(2 * LEASE_MS);
      if (since === "committed") await holder.commit();
      b.store.script("put", stale);
      const decision = await b.dedup.reserve(event);
      expect(decision.decision).toBe(since === "committed" ? "duplicate" : "pending");
      expect(b.store.calls.at(-1)).toMatchObject({ method: "put", expected: snapshot?.revision });
      expect((await memory.get(resolved.storeKey))?.record.owner).toBe("a");
    },
  );
});

describe("F3 every write", () => {
  it("has a time to live, and a commit expires with its window", async () => {
    const { pass, replica } = world();
    const a = replica("a");
    const reservation = await unseen(a.dedup.reserve(event, { windowMs: 90_000 }));
    await pass(LEASE_MS);
    await reservation.commit();
    expect(a.store.calls.map((call) => call.method === "put" && call.ttlMs)).toEqual([
      ...Array(4).fill(LEASE_MS + SKEW_MS),
      90_000,
    ]);
    await pass(90_000);
    await unseen(a.dedup.reserve(event));
  });
});

describe("F4 a time of zero", () => {
  it("is valid on a clock that starts at zero", async () => {
    const w = world();
    expect(w.clock.monotonicMs()).toBe(0);
    const [a, b] = [w.replica("a", { renew: false, skewMs: 0 }), w.replica("b")];
    const { signal } = await unseen(a.dedup.reserve(event));
    await w.pass(LEASE_MS - 1);
    await pending(b.dedup.reserve(event));
    expect(signal.aborted).toBe(false);
    await w.pass(1);
    expect(signal.aborted).toBe(true);
    // The least skew.
    await w.pass(50);
    await commitEvent(b);
  });

  it.each([0, -1, Number.NaN, undefined, null, "30000"])(
    "is no valid lease of a record: with %s the record is neither taken over nor a duplicate",
    async (leaseMs) => {
      const { memory, replica } = world();
      await unseen(replica("a").dedup.reserve(event));
      const entry = await memory.get(resolved.storeKey);
      const b = replica("b");
      const current = { ...entry, record: { ...entry?.record, leaseMs } };
      b.store.breakDown(answering({ ok: false, current }), ["put"]);
      await expect(b.dedup.reserve(event)).rejects.toMatchObject({ code: "record-unreadable" });
    },
  );

  it.each([0, -1, Number.NaN, Number.POSITIVE_INFINITY, 999, null])(
    "is no valid option: a window or a lease of %s is refused",
    async (ms) => {
      const { replica } = world();
      const { dedup, store } = replica("a");
      for (const name of ["windowMs", "leaseMs"]) {
        await expect(calling(dedup, "reserve", event, { [name]: ms })).rejects.toThrow(`Expected \`${name}\` to be`);
      }
      expect(store.calls).toEqual([]);
    },
  );
});

describe("F5 an event's identity", () => {
  it("is computed once: a guard commits the reserved key even if the handler changes the event", async () => {
    const { memory, replica } = world();
    const { dedup } = replica("a");
    const changing = { workspaceId: "w", ...event };
    const options = { windowMs: 60_000, fingerprint: "one" };
    await dedup.guard(
      changing,
      () => {
        Object.assign(changing, { workspaceId: "other", subscriptionId: "other", eventId: "other" });
        Object.assign(options, { windowMs: 1_000, fingerprint: "other" });
      },
      options,
    );
    let keys = 0;
    for await (const { record } of memory.list({})) {
      keys += 1;
      expect(record).toMatchObject({ ...event, workspaceId: "w", state: "committed", fingerprint: "one" });
    }
    expect(keys).toBe(1);
    await duplicate(dedup.reserve({ ...event, workspaceId: "w" }));
  });

  it("is not shared by nested or concurrent calls", async () => {
    const { memory, replica } = world();
    const { dedup } = replica("a");
    const inner = { subscriptionId: "sub-2", eventId: "evt-2", workspaceId: "inner" };
    await dedup.guard(
      event,
      () => dedup.guard(inner, () => {}, { windowMs: 5_000, leaseMs: 1_000, attempt: 3, fingerprint: "inner" }),
      { windowMs: 60_000 },
    );
    const records = new Map<string, unknown>();
    for await (const { record } of memory.list({})) records.set(record.eventId, record);
    expect(records.get("evt-2")).toMatchObject({ ...inner, leaseMs: 1_000, attempt: 3, fingerprint: "inner" });
    expect(records.get("evt-1")).toMatchObject({ ...event, workspaceId: "default", leaseMs: LEASE_MS, attempt: 1 });
    expect(records.get("evt-1")).not.toHaveProperty("fingerprint");
  });
});

describe("F6 the key of a failed dispatch", () => {
  it("is not released while the dispatch runs, so a retry does not run concurrently", async () => {
    const { pass, replica } = world();
    const [a, b] = [replica("a"), replica("b")];
    const work = task();
    const outcome = a.dedup.guard(event, work.handler);
    await pass(5 * LEASE_MS);
    await pending(b.dedup.reserve(event));
    work.fail(new Error("no"));
    await expect(outcome).rejects.toThrow("no");
    await commitEvent(b);
  });

  it("is released after every failure, so later deliveries are not lost", async () => {
    const { replica } = world();
    const { dedup } = replica("a");
    for (let attempt = 1; attempt <= 5; attempt += 1) {
      await expect(dedup.guard(event, () => Promise.reject(new Error("no")), { attempt })).rejects.toThrow("no");
    }
    expect(await dedup.guard(event, ({ attempt }) => attempt, { attempt: 6 })).toMatchObject({ value: 6 });
  });
});

describe("F7 an event", () => {
  it("is not marked as dispatched by a reservation that the store refused", async () => {
    const { replica } = world();
    const a = replica("a");
    a.store.script("put", outage, throwing(new Error("full")));
    await expect(a.dedup.reserve(event)).rejects.toThrow("unreachable");
    await expect(a.dedup.reserve(event)).rejects.toThrow("full");
    await commitEvent(a);
  });

  it("is not marked as dispatched by a holder that dies before its commit", async () => {
    for (const diesAfterMs of [0, 1, 9_999, LEASE_MS]) {
      const { pass, replica } = world();
      const [a, b] = [replica("a"), replica("b")];
      await unseen(a.dedup.reserve(event));
      await pass(diesAfterMs);
      a.store.breakDown(outage);
      const waiting = b.dedup.guard(event, () => "again", { onPending: "wait" });
      await pass(2 * LEASE_MS);
      expect(await waiting).toMatchObject({ outcome: "dispatched", value: "again" });
    }
  });
});

describe("F8 a dead holder", () => {
  it("keeps the key only for its lease, even if the window is long", async () => {
    const { pass, replica } = world();
    const [a, b] = [replica("a", { renew: false }), replica("b")];
    await unseen(a.dedup.reserve(event, { windowMs: 365 * WINDOW_MS, leaseMs: 5_000 }));
    await pass(5_000 + SKEW_MS);
    await commitEvent(b);
  });
});

describe("F9 the identity of an event", () => {
  it("does not depend on the order of its fields, or on other fields", async () => {
    const { replica } = world();
    const { dedup } = replica("a");
    await dedup.guard({ eventId: "evt-1", subscriptionId: "sub-1", workspaceId: "default" }, () => {});
    await duplicate(dedup.reserve({ subscriptionId: "sub-1", eventId: "evt-1" }));
    const carrying = { ...event, receivedAt: 7 };
    await duplicate(dedup.reserve(carrying));
  });

  it("depends on the boundary between its parts", async () => {
    const { replica } = world();
    const a = replica("a");
    const parts = [
      ["a", "b:c"],
      ["a:b", "c"],
      ["a", "b"],
      ["ab", "c"],
      ["a", "bc"],
      ["1:a", "1:b"],
      ["A", "b"],
      ["é", "b"],
      ["e\u0301", "b"],
      ["a", " b"],
    ] as const;
    for (const [subscriptionId, eventId] of parts) await commitEvent(a, { subscriptionId, eventId });
  });

  it("is refused without an id", async () => {
    const { replica } = world();
    const { dedup } = replica("a");
    for (const eventId of ["", undefined, null, 7, {}]) {
      const reserving = calling(dedup, "reserve", { subscriptionId: "sub-1", eventId });
      await expect(reserving).rejects.toThrow("Expected `eventId` to be");
    }
  });
});

describe("F10 a commit that fails after the side effect", () => {
  it("is reported to the caller, and is not treated as a failed dispatch", async () => {
    const { memory, pass, replica } = world();
    const a = replica("a");
    const work = task();
    const outcome = a.dedup.guard(event, work.handler);
    await work.reservation;
    a.store.breakDown(throwing(new Error("broken")));
    work.succeed("done");
    await pass(LEASE_MS - 1);
    expect((await memory.get(resolved.storeKey))?.record.state).toBe("reserved");
    await pass(1);
    expect(await outcome).toMatchObject({ outcome: "dispatched", value: "done", commit: "unconfirmed" });
    expect(a.store.calls.map(({ method }) => method)).not.toContain("remove");
  });

  it("is repeated without the result if the result causes the failure", async () => {
    const { replica } = world();
    const { dedup } = replica("a", { keepResults: true });
    const outcome = await dedup.guard(event, () => ({ big: 1n }));
    expect(outcome).toMatchObject({ commit: "confirmed", resultError: { code: "result-not-kept" } });
    await duplicate(dedup.reserve(event));
  });
});

describe("F11 a reservation whose response was lost", () => {
  it("does not lock out its owner", async () => {
    const { pass, replica } = world();
    const a = replica("a");
    a.store.script("put", answerLost);
    const outcome = a.dedup.guard(event, () => "done");
    await pass(50);
    expect(await outcome).toMatchObject({ outcome: "dispatched", commit: "confirmed" });
  });

  it("is not mistaken for another reservation of the same replica", async () => {
    const { pass, replica } = world();
    const [a, sameName] = [replica("a"), replica("a")];
    const reservation = await unseen(a.dedup.reserve(event));
    sameName.store.script("put", writeLost);
    const decision = sameName.dedup.reserve(event);
    await pass(50);
    await pending(decision);
    expect(await reservation.commit()).toEqual({ commit: "confirmed" });
  });
});

describe("F12 a reservation that lost a race", () => {
  it("becomes a duplicate when the winner has committed", async () => {
    const { replica } = world();
    const [a, b] = [replica("a"), replica("b")];
    await commitEvent(a);
    b.store.script("put", answering({ ok: false }));
    await duplicate(b.dedup.reserve(event));
    expect(b.store.calls.map(({ method }) => method)).toEqual(["put", "get"]);
  });

  it("does not win because its content equals the winner's", async () => {
    const { pass, replica } = world();
    const twins = [replica("twin"), replica("twin"), replica("twin")];
    for (const { store } of twins) store.script("put", answerLost);
    const asked = twins.map(({ dedup }) => dedup.reserve(event, { fingerprint: "same" }));
    await pass(50);
    const decisions = await Promise.all(asked);
    expect(decisions.filter(({ decision }) => decision === "unseen")).toHaveLength(1);
    expect(decisions.filter(({ decision }) => decision === "pending")).toHaveLength(2);
  });
});

describe("F13 a reservation that ends between a conflict and the read", () => {
  it("restarts the other replica's reservation", async () => {
    const { memory, replica } = world();
    const { dedup, store } = replica("a");
    store.script("put", answering({ ok: false }));
    const reservation = await unseen(dedup.reserve(event));
    expect(store.calls.map(({ method }) => method)).toEqual(["put", "get", "put"]);
    expect(await memory.get(resolved.storeKey)).toMatchObject({ revision: reservation.fence, record: { owner: "a" } });
  });
});

describe("F14 a stale read", () => {
  it("does not make a holder: only an acknowledged write does", async () => {
    const { replica } = world();
    const [a, b] = [replica("a"), replica("b")];
    await unseen(a.dedup.reserve(event));
    b.store.breakDown(answering({ ok: false }), ["put"]);
    b.store.breakDown(answering(undefined), ["get"]);
    await pending(b.dedup.reserve(event));
  });

  it("does not end a reservation that a renewal cannot find", async () => {
    const { pass, replica } = world();
    const a = replica("a");
    const reservation = await unseen(a.dedup.reserve(event));
    a.store.script("put", answering({ ok: false }));
    a.store.script("get", answering(undefined));
    await pass(LEASE_MS / 3);
    expect(reservation.signal.aborted).toBe(true);
    expect(await reservation.commit()).toEqual({ commit: "adopted" });
    await duplicate(a.dedup.reserve(event));
  });
});

describe("F15 a store with a wrong time to live", () => {
  it("does not block a key after its holder died, even if the store never expires it", async () => {
    const { memory, pass, replica } = world();
    const store: Store = {
      ...memory,
      put: (key, record, how) => memory.put(key, record, { ...how, ttlMs: WINDOW_MS }),
    };
    const [a, b] = [replica("a", { store, renew: false }), replica("b", { store })];
    await unseen(a.dedup.reserve(event));
    const { retryAfterMs } = await pending(b.dedup.reserve(event));
    await pass(retryAfterMs);
    expect(await unseen(b.dedup.reserve(event))).toMatchObject({ attempt: 2 });
  });

  it("makes the holder's commit superseded if it expires the key early", async () => {
    const { memory, pass, replica } = world();
    const store: Store = { ...memory, put: (key, record, how) => memory.put(key, record, { ...how, ttlMs: 2_000 }) };
    const [a, b] = [replica("a", { store }), replica("b")];
    const early = await unseen(a.dedup.reserve(event));
    await pass(2_000);
    const later = await unseen(b.dedup.reserve(event));
    expect(later.fence).toBeGreaterThan(early.fence);
    await pass(LEASE_MS / 3);
    expect(early.signal.reason).toMatchObject({ reason: "superseded" });
    expect(await early.commit()).toEqual({ commit: "superseded" });
  });

  it("removes a released key only at its exact revision", async () => {
    const { replica } = world();
    const { dedup, store } = replica("a");
    const { fence, release } = await unseen(dedup.reserve(event)).then((reservation) => ({
      fence: reservation.fence,
      release: () => reservation.release(),
    }));
    await release();
    expect(store.calls.at(-1)).toMatchObject({ method: "remove", expected: fence });
  });
});

describe("F16 a store that loses an acknowledged write", () => {
  it.each(["reservation", "commit"] as const)(
    "runs the event of a lost %s again, and does not lose it",
    async (lost) => {
      const { replica } = world();
      const [a, b] = [replica("a"), replica("b")];
      const first = await unseen(a.dedup.reserve(event));
      if (lost === "commit") await first.commit();
      await a.store.forget(resolved.storeKey);
      const second = await unseen(b.dedup.reserve(event));
      expect(second.fence).toBeGreaterThan(first.fence);
      if (lost === "reservation") expect(await first.commit()).toEqual({ commit: "superseded" });
      expect(await second.commit()).toEqual({ commit: "confirmed" });
      await duplicate(a.dedup.reserve(event));
    },
  );
});

describe("F18 a renewal", () => {
  it("does not restore a released reservation, even if it arrives late", async () => {
    const { memory, pass, replica } = world();
    const a = replica("a");
    const reservation = await unseen(a.dedup.reserve(event));
    const late = landsLate();
    a.store.script("put", late.fault);
    await pass(LEASE_MS / 3);
    await reservation.release();
    await late.go();
    expect(await memory.get(resolved.storeKey)).toBeUndefined();
  });

  it("does not turn a commit back into a reservation", async () => {
    const { clock, memory, pass, replica } = world();
    const a = replica("a");
    const reservation = await unseen(a.dedup.reserve(event));
    a.store.script("put", slowAnswer(clock, 5_000));
    await pass(LEASE_MS / 3 + 1_000);
    await reservation.commit();
    await pass(10_000);
    expect((await memory.get(resolved.storeKey))?.record.state).toBe("committed");
    expect(clock.timers).toBe(0);
  });

  it("aborts the holder in time if it fails", async () => {
    const { clock, pass, replica } = world();
    const a = replica("a");
    const { signal } = await unseen(a.dedup.reserve(event));
    a.store.breakDown(outage);
    await pass(LEASE_MS - 1);
    expect(signal.aborted).toBe(false);
    await pass(1);
    expect(signal.reason).toMatchObject({ reason: "store-unavailable", cause: { code: "store-unavailable" } });
    expect(clock.timers).toBe(0);
  });

  it("makes the commit superseded if a blocked event loop delays it", async () => {
    const w = world();
    const clock = new BlockableClock(w.clock);
    const [a, b] = [w.replica("a", { clock }), w.replica("b")];
    const stalled = await unseen(a.dedup.reserve(event));
    clock.block();
    await w.pass(LEASE_MS + SKEW_MS);
    await commitEvent(b);
    clock.unblock();
    expect(stalled.signal.aborted).toBe(true);
    expect(await stalled.commit()).toEqual({ commit: "superseded" });
  });
});

describe("F20 a duplicate", () => {
  it("differs from a dispatch in its outcome and in the events", async () => {
    const { replica } = world();
    const a = replica("a");
    const outcomes = [];
    for (let delivery = 0; delivery < 3; delivery += 1)
      outcomes.push((await a.dedup.guard(event, () => "done")).outcome);
    expect(outcomes).toEqual(["dispatched", "duplicate", "duplicate"]);
    const count = (type: string): number => a.trail().filter((one) => one === type).length;
    expect([count("dispatched"), count("committed"), count("duplicate")]).toEqual([1, 1, 2]);
  });

  it("is not reported after a dead dispatch: deliveries are pending, then unseen", async () => {
    const { pass, replica } = world();
    const [a, b] = [replica("a", { renew: false, keepResults: true }), replica("b", { keepResults: true })];
    await unseen(a.dedup.reserve(event));
    expect(await b.dedup.guard(event, () => "done")).toMatchObject({ outcome: "pending" });
    await pass(LEASE_MS + SKEW_MS);
    expect(await b.dedup.guard(event, () => "done")).toMatchObject({ outcome: "dispatched", value: "done" });
  });
});

describe("F21 another copy of the package", () => {
  it("may be used by a store: its errors are recognised by their code", async () => {
    class StoreUnavailableError extends Error {
      readonly code = "store-unavailable";
      readonly ambiguous: boolean;
      constructor(ambiguous: boolean) {
        super("from another copy");
        this.ambiguous = ambiguous;
      }
    }
    const { pass, replica } = world();
    const { dedup, store } = replica("a", { onStoreUnavailable: "dispatch" });
    store.script("put", throwing(new StoreUnavailableError(false)));
    expect(await unseen(dedup.reserve(event))).toMatchObject({ unprotected: true });
    const other = { ...event, eventId: "evt-2" };
    store.script("put", throwing(new StoreUnavailableError(true)));
    const decision = dedup.reserve(other);
    await pass(50);
    expect(await unseen(decision)).toMatchObject({ unprotected: false });
  });

  it("is not assumed for an error that only resembles an outage", async () => {
    const { replica } = world();
    const { dedup, store } = replica("a", { onStoreUnavailable: "dispatch" });
    for (const error of [new LatchkeyError("unsupported", "no"), { code: "store-unavailable", ambiguous: true }, "x"]) {
      store.script("put", throwing(error));
      await expect(dedup.reserve(event)).rejects.toBe(error);
    }
  });

  it("finds the fingerprint of a reservation in its commit", async () => {
    const { replica } = world();
    const [a, b] = [replica("a"), replica("b")];
    await a.dedup.guard(event, () => {}, { fingerprint: "one" });
    await duplicate(b.dedup.reserve(event, { fingerprint: "one" }));
    await expect(b.dedup.reserve(event, { fingerprint: "two" })).rejects.toMatchObject({
      code: "fingerprint-mismatch",
    });
  });
});

describe("F22 many concurrent deliveries", () => {
  it("have one effect on one and on many replicas, with late and lost responses", async () => {
    const { clock, pass, replica } = world();
    const replicas = ["a", "b", "c", "d", "e"].map((owner) => replica(owner));
    let effects = 0;
    for (const [index, { store }] of replicas.entries()) {
      store.script("put", slowAnswer(clock, index), index % 2 === 0 ? answerLost : writeLost, slowAnswer(clock, 7));
    }
    const deliveries = Array.from({ length: 8 }, () =>
      replicas.map(({ dedup }) =>
        dedup.guard(
          event,
          async () => {
            effects += 1;
          },
          { onPending: "wait" },
        ),
      ),
    ).flat();
    await pass(3 * LEASE_MS);
    const outcomes = await Promise.all(deliveries);
    expect(effects).toBe(1);
    expect(outcomes.filter(({ outcome }) => outcome === "dispatched")).toHaveLength(1);
    expect(outcomes.filter(({ outcome }) => outcome === "duplicate")).toHaveLength(39);
    expect(clock.timers).toBe(0);
  });
});
