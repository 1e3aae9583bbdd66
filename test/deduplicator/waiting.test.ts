import { describe, expect, it } from "vitest";
import { held, outage, slowAnswer } from "../support/faulty-store.ts";
import { heldBySignal } from "../support/held-by-signal.ts";
import {
  duplicate,
  event,
  LEASE_MS,
  pending,
  resolved,
  SKEW_MS,
  task,
  unseen,
  watched,
  world,
} from "../support/replicas.ts";

const wait = { onPending: "wait" } as const;

describe("an event that another replica holds", () => {
  it("is pending, and the outcome has the owner and when to retry", async () => {
    const { pass, replica } = world();
    const [a, b] = [replica("a"), replica("b")];
    await unseen(a.dedup.reserve(event));
    await pass(5_000);
    const again = task();
    expect(await b.dedup.guard(event, again.handler)).toEqual({
      outcome: "pending",
      key: resolved.key,
      owner: "a",
      retryAfterMs: LEASE_MS + SKEW_MS - 5_000 + 500,
    });
    expect(again.runs()).toBe(0);
    expect(await b.dedup.reserve(event)).toMatchObject({ decision: "pending", key: resolved.key, owner: "a" });
  });

  it("G2 is never a duplicate before its commit, even when its holder is late or releases it", async () => {
    const { pass, replica } = world();
    const [a, b] = [replica("a", { renew: false }), replica("b")];
    const reservation = await unseen(a.dedup.reserve(event));
    await pending(b.dedup.reserve(event));
    await pass(LEASE_MS + 1);
    await pending(b.dedup.reserve(event));
    await reservation.release();
    await unseen(b.dedup.reserve(event));
  });

  it("has a `retryAfterMs` of about a second when its lease is nearly over", async () => {
    const { pass, replica } = world();
    const [a, b] = [replica("a", { renew: false }), replica("b")];
    await unseen(a.dedup.reserve(event));
    await pass(LEASE_MS + SKEW_MS - 1);
    const { retryAfterMs } = await pending(b.dedup.reserve(event));
    expect(retryAfterMs).toBeGreaterThanOrEqual(500);
    expect(retryAfterMs).toBeLessThanOrEqual(1_500);
  });
});

describe("concurrent deliveries in one process", () => {
  it("G1 share one attempt: one dispatches, the other is pending and makes no store call", async () => {
    const { pass, replica } = world();
    const { dedup, store } = replica("a");
    const [first, second] = [task(), task()];
    const dispatched = dedup.guard(event, first.handler);
    const other = await dedup.guard(event, second.handler);
    expect(other).toEqual({ outcome: "pending", key: resolved.key, owner: "a", retryAfterMs: LEASE_MS });
    expect(store.calls).toHaveLength(1);
    await pass(7_000);
    const { retryAfterMs } = await pending(dedup.reserve(event));
    expect(retryAfterMs).toBe(LEASE_MS - 7_000);
    first.succeed("done");
    expect(await dispatched).toMatchObject({ outcome: "dispatched" });
    expect([first.runs(), second.runs()]).toEqual([1, 0]);
  });

  it("share one store call when the event is already committed", async () => {
    const { replica } = world();
    const { dedup, store } = replica("a", { cacheSize: 0 });
    await dedup.guard(event, () => {});
    store.calls.length = 0;
    const decisions = await Promise.all([1, 2, 3].map(() => dedup.reserve(event)));
    expect(decisions.map(({ decision }) => decision)).toEqual(["duplicate", "duplicate", "duplicate"]);
    expect(store.calls).toHaveLength(1);
  });

  it("share one store failure", async () => {
    const { replica } = world();
    const { dedup, store } = replica("a");
    store.script("put", outage);
    const both = await Promise.allSettled([dedup.reserve(event), dedup.reserve(event)]);
    expect(both).toMatchObject(Array(2).fill({ status: "rejected", reason: { code: "store-unavailable" } }));
    await unseen(dedup.reserve(event));
  });

  it("are one dispatch and one duplicate when the second waits", async () => {
    const { clock, pass, replica } = world();
    const { dedup } = replica("a", { keepResults: true });
    const [first, second] = [task(), task()];
    const dispatched = dedup.guard(event, first.handler);
    const waiting = watched(dedup.guard(event, second.handler, wait));
    await pass(3 * LEASE_MS);
    expect(waiting.state()).toBe("waiting");
    first.succeed("done");
    expect(await dispatched).toMatchObject({ outcome: "dispatched" });
    expect(await waiting.promise).toMatchObject({ outcome: "duplicate", value: "done" });
    expect(second.runs()).toBe(0);
    expect(clock.timers).toBe(0);
  });

  it("are two attempts when the second waits and the first fails, without a pause", async () => {
    const { clock, replica } = world();
    const { dedup } = replica("a");
    const first = task();
    const failed = dedup.guard(event, first.handler);
    const waiting = dedup.guard(event, () => "second", wait);
    first.fail(new Error("first"));
    await expect(failed).rejects.toThrow("first");
    expect(await waiting).toMatchObject({ outcome: "dispatched", value: "second" });
    expect(clock.monotonicMs()).toBe(0);
    expect(clock.timers).toBe(0);
  });

  it("F22 run one handler at a time: a waiting delivery starts when the running one fails", async () => {
    const { clock, pass, replica } = world();
    const { dedup } = replica("a");
    let [running, most, runs] = [0, 0, 0];
    const outcomes = Promise.allSettled(
      Array.from({ length: 20 }, () =>
        dedup.guard(
          event,
          async () => {
            running += 1;
            runs += 1;
            most = Math.max(most, running);
            await Promise.resolve();
            running -= 1;
            if (runs < 5) throw new Error("not yet");
            return runs;
          },
          wait,
        ),
      ),
    );
    await pass(2 * LEASE_MS);
    const settled = await outcomes;
    expect(most).toBe(1);
    expect(runs).toBe(5);
    expect(settled.filter(({ status }) => status === "rejected")).toHaveLength(4);
    const kinds = settled.flatMap((one) => (one.status === "fulfilled" ? [one.value.outcome] : []));
    expect(kinds.filter((kind) => kind === "dispatched")).toHaveLength(1);
    expect(kinds.filter((kind) => kind === "duplicate")).toHaveLength(15);
    expect(clock.timers).toBe(0);
  });
});

describe("F22 G1 concurrent deliveries on many replicas", () => {
  it("have one reservation, and all others are pending", async () => {
    const { replica } = world();
    const replicas = ["a", "b", "c", "d"].map((owner) => replica(owner));
    const asked = Array.from({ length: 10 }, () => replicas.map(({ dedup }) => dedup.reserve(event))).flat();
    const decisions = await Promise.all(asked);
    const holders = decisions.filter(({ decision }) => decision === "unseen");
    expect(holders).toHaveLength(1);
    expect(decisions.filter(({ decision }) => decision === "pending")).toHaveLength(39);
  });

  it("have one dispatch, and all waiting deliveries are duplicates", async () => {
    const { pass, replica } = world();
    const replicas = ["a", "b", "c", "d"].map((owner) => replica(owner));
    const work = task();
    const asked = Array.from({ length: 5 }, () => replicas.map(({ dedup }) => dedup.guard(event, work.handler, wait)));
    await pass(LEASE_MS);
    work.succeed("done");
    await pass(2_000);
    const outcomes = await Promise.all(asked.flat());
    expect(work.runs()).toBe(1);
    expect(outcomes.filter(({ outcome }) => outcome === "dispatched")).toHaveLength(1);
    expect(outcomes.filter(({ outcome }) => outcome === "duplicate")).toHaveLength(19);
  });
});

describe("waiting for another replica", () => {
  it("returns a duplicate soon after the commit", async () => {
    const { clock, pass, replica } = world();
    const [a, b] = [replica("a"), replica("b")];
    const reservation = await unseen(a.dedup.reserve(event));
    const waiting = watched(b.dedup.reserve(event, wait));
    await pass(2 * LEASE_MS);
    expect(waiting.state()).toBe("waiting");
    await reservation.commit();
    await pass(1_000);
    expect(await waiting.promise).toMatchObject({ decision: "duplicate" });
    expect(b.trail()).toEqual(["pending", "duplicate"]);
    expect(clock.timers).toBe(0);
  });

  it("returns a reservation soon after the release", async () => {
    const { pass, replica } = world();
    const [a, b] = [replica("a"), replica("b")];
    const reservation = await unseen(a.dedup.reserve(event));
    const waiting = b.dedup.reserve(event, wait);
    await pass(LEASE_MS);
    await reservation.release();
    await pass(1_000);
    expect(await unseen(waiting)).toMatchObject({ owner: "b" });
  });

  it("G4 returns a reservation soon after the lease of a crashed holder", async () => {
    const { clock, pass, replica } = world();
    const [a, b] = [replica("a", { renew: false }), replica("b")];
    await unseen(a.dedup.reserve(event));
    const waiting = watched(b.dedup.reserve(event, wait));
    await pass(LEASE_MS + SKEW_MS - 1);
    expect(waiting.state()).toBe("waiting");
    await pass(1_000);
    await (await unseen(waiting.promise)).commit();
    expect(clock.timers).toBe(0);
  });

  it("retries with exponential backoff of at most one second", async () => {
    const { pass, replica } = world();
    const [a, b] = [replica("a"), replica("b")];
    const reservation = await unseen(a.dedup.reserve(event));
    const waiting = b.dedup.reserve(event, wait);
    await pass(5_000);
    await reservation.commit();
    await pass(1_000);
    await duplicate(waiting);
    const asked = b.store.calls.flatMap(({ method, atMs }) => (method === "put" ? [atMs] : []));
    expect(asked).toEqual([0, 50, 150, 350, 750, 1_550, 2_550, 3_550, 4_550, 5_550]);
  });

  it("rejects with the signal's reason immediately, and leaves nothing behind", async () => {
    const { clock, pass, replica } = world();
    const [a, b] = [replica("a", { renew: false }), replica("b")];
    await unseen(a.dedup.reserve(event));
    const stop = new AbortController();
    const waiting = b.dedup.reserve(event, { ...wait, signal: stop.signal });
    await pass(3_000);
    const reason = new Error("the consumer stops");
    stop.abort(reason);
    await expect(waiting).rejects.toBe(reason);
    // One timer is left: the lease of the holder.
    expect(clock.timers).toBe(1);
    const asked = b.store.calls.length;
    await pass(2 * LEASE_MS);
    expect(b.store.calls).toHaveLength(asked);
    expect(clock.timers).toBe(0);
  });

  it("leaves no listener on a long-lived signal, however often it retries", async () => {
    const { pass, replica } = world();
    const [a, b] = [replica("a"), replica("b")];
    const { signal } = new AbortController();
    const reservation = await unseen(a.dedup.reserve(event));
    const waiting = [a, b].map(({ dedup }) => dedup.reserve(event, { ...wait, signal }));
    await pass(30_000);
    await reservation.commit();
    await pass(1_000);
    for (const decision of waiting) await duplicate(decision);
    expect(heldBySignal(signal)).toBe(0);
  });

  it("rejects with the signal's reason even if that is no error and the store does not answer", async () => {
    const { replica } = world();
    const { dedup, store } = replica("a");
    const late = held();
    store.script("put", late.fault);
    const stop = new AbortController();
    const asking = dedup.reserve(event, { signal: stop.signal });
    stop.abort("enough");
    await expect(asking).rejects.toBe("enough");
    await late.go();
  });

  it("does not start with an aborted signal", async () => {
    const { replica } = world();
    const { dedup, store } = replica("a");
    await expect(dedup.reserve(event, { signal: AbortSignal.abort("enough") })).rejects.toBe("enough");
    expect(store.calls).toEqual([]);
  });

  it("rejects when the deduplicator closes", async () => {
    const { clock, pass, replica } = world();
    const [a, b] = [replica("a", { renew: false }), replica("b")];
    await unseen(a.dedup.reserve(event));
    const waiting = expect(b.dedup.reserve(event, wait)).rejects.toMatchObject({ code: "closed" });
    await pass(1_000);
    await b.dedup.close();
    await waiting;
    expect(clock.timers).toBe(1);
  });

  it("rejects with the store's error", async () => {
    const { pass, replica } = world();
    const [a, b] = [replica("a"), replica("b")];
    await unseen(a.dedup.reserve(event));
    const waiting = expect(b.dedup.reserve(event, wait)).rejects.toMatchObject({ code: "store-unavailable" });
    b.store.breakDown(outage);
    await pass(1_000);
    await waiting;
  });
});

describe("a caller that aborts during its claim", () => {
  it("causes the key to be released as soon as it is granted", async () => {
    const { clock, memory, pass, replica } = world();
    const { dedup, store, trail } = replica("a");
    store.script("put", slowAnswer(clock, 5_000));
    const stop = new AbortController();
    const asking = dedup.reserve(event, { signal: stop.signal });
    stop.abort(new Error("gone"));
    await expect(asking).rejects.toThrow("gone");
    expect(await memory.get(resolved.storeKey)).toBeDefined();
    await pass(5_000);
    expect(await memory.get(resolved.storeKey)).toBeUndefined();
    expect(trail()).toEqual(["reserved", "released"]);
    expect(clock.timers).toBe(0);
    await unseen(dedup.reserve(event));
  });

  it("does not fail another caller: it is pending, with a short `retryAfterMs`", async () => {
    const { clock, pass, replica } = world();
    const { dedup, store } = replica("a");
    store.script("put", slowAnswer(clock, 5_000));
    const stop = new AbortController();
    const gone = expect(dedup.reserve(event, { signal: stop.signal })).rejects.toBe("gone");
    const joined = pending(dedup.reserve(event));
    stop.abort("gone");
    await gone;
    await pass(5_000);
    const { retryAfterMs, owner } = await joined;
    expect(owner).toBe("a");
    expect(retryAfterMs).toBeLessThanOrEqual(1_000);
    await unseen(dedup.reserve(event));
  });

  it("leaves the key to a waiting caller", async () => {
    const { clock, pass, replica } = world();
    const { dedup, store } = replica("a");
    store.script("put", slowAnswer(clock, 5_000));
    const stop = new AbortController();
    const gone = expect(dedup.reserve(event, { signal: stop.signal })).rejects.toBe("gone");
    const joined = dedup.reserve(event, wait);
    stop.abort("gone");
    await gone;
    await pass(5_000);
    await unseen(joined);
  });

  it("causes a release even if it aborts at the moment of the grant", async () => {
    const { clock, memory, pass, replica } = world();
    const { dedup } = replica("a");
    const stop = new AbortController();
    const leave = dedup.subscribe(({ type }) => {
      if (type === "reserved") stop.abort("gone");
    });
    await expect(dedup.reserve(event, { signal: stop.signal })).rejects.toBe("gone");
    leave();
    await pass(0);
    expect(await memory.get(resolved.storeKey)).toBeUndefined();
    expect(clock.timers).toBe(0);
  });

  it.each([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12])(
    "leaves nothing behind when it aborts %i microtasks after the claim",
    async (turns) => {
      const { clock, memory, pass, replica } = world();
      const { dedup } = replica("a");
      const stop = new AbortController();
      const asking = dedup.reserve(event, { signal: stop.signal }).then(
        (decision) => decision,
        () => undefined,
      );
      for (let turn = 0; turn < turns; turn += 1) await Promise.resolve();
      stop.abort("gone");
      const decision = await asking;
      await pass(0);
      if (decision?.decision === "unseen") await decision.release();
      expect(await memory.get(resolved.storeKey)).toBeUndefined();
      expect(clock.timers).toBe(0);
    },
  );

  it("does not affect a running dispatch", async () => {
    const { pass, replica } = world();
    const { dedup } = replica("a");
    const stop = new AbortController();
    const work = task();
    const outcome = dedup.guard(event, work.handler, { signal: stop.signal });
    const { signal } = await work.reservation;
    stop.abort("gone");
    await pass(LEASE_MS);
    expect(signal.aborted).toBe(false);
    work.succeed("done");
    expect(await outcome).toMatchObject({ outcome: "dispatched", commit: "confirmed" });
  });
});
