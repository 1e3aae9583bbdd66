import { execFile } from "node:child_process";
import { resolve } from "node:path";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { Deduplicator } from "../../src/deduplicator.ts";
import { hasCode } from "../../src/errors.ts";
import { memoryStore } from "../../src/stores/memory-store.ts";
import { held, outage, silence, slowAnswer } from "../support/faulty-store.ts";
import {
  BlockableClock,
  commitEvent,
  duplicate,
  event,
  LEASE_MS,
  pending,
  resolved,
  task,
  unseen,
  watched,
  world,
} from "../support/replicas.ts";

const closed = { name: "LatchkeyError", code: "closed" };
const other = { ...event, eventId: "evt-2" };

describe("a closed deduplicator", () => {
  it("rejects new events, but still serves `peek`, `list` and `clear`", async () => {
    const { replica } = world();
    const { dedup, store } = replica("a");
    await commitEvent({ ...replica("b"), dedup });
    await dedup.close();
    store.calls.length = 0;
    const work = task();
    await expect(dedup.reserve(event)).rejects.toMatchObject(closed);
    await expect(dedup.guard(other, work.handler)).rejects.toMatchObject(closed);
    expect(work.runs()).toBe(0);
    expect(store.calls).toEqual([]);
    expect(await dedup.peek(event)).toBeDefined();
    expect(await dedup.clear({})).toBe(1);
  });

  it("leaves the store open, because others share it", async () => {
    const { replica } = world();
    await replica("a").dedup.close();
    await commitEvent(replica("b"));
  });
});

describe("close", () => {
  it("resolves immediately when nothing is in flight", async () => {
    const { clock, replica } = world();
    await replica("a").dedup.close();
    expect(clock.timers).toBe(0);
  });

  it("rejects new calls from the moment it is called", async () => {
    const { replica } = world();
    const { dedup } = replica("a");
    const reservation = await unseen(dedup.reserve(event));
    const closing = dedup.close();
    await expect(dedup.reserve(other)).rejects.toMatchObject(closed);
    await expect(dedup.reserve(event)).rejects.toMatchObject(closed);
    await reservation.commit();
    await closing;
  });

  it("waits for in-flight handlers, and no longer", async () => {
    const { clock, pass, replica } = world();
    const { dedup, trail } = replica("a");
    const work = task();
    const outcome = dedup.guard(event, work.handler);
    const { signal } = await work.reservation;
    const closing = watched(dedup.close({ drainMs: 60_000 }));
    await pass(45_000);
    expect(closing.state()).toBe("waiting");
    work.succeed("done");
    expect(await outcome).toMatchObject({ commit: "confirmed" });
    await closing.promise;
    expect(signal.aborted).toBe(false);
    expect(trail()).not.toContain("expired");
    expect(clock.timers).toBe(0);
  });

  it("waits ten seconds by default, then aborts the handlers and releases their keys", async () => {
    const { memory, pass, replica } = world();
    const a = replica("a");
    const [one, two] = [task(), task()];
    const outcomes = [a.dedup.guard(event, one.handler), a.dedup.guard(other, two.handler)];
    const signals = [(await one.reservation).signal, (await two.reservation).signal];
    const closing = watched(a.dedup.close());
    await pass(9_999);
    expect(signals.map(({ aborted }) => aborted)).toEqual([false, false]);
    await pass(1);
    for (const signal of signals) expect(signal.reason).toMatchObject({ reason: "shutdown" });
    await closing.promise;
    expect(await memory.get(resolved.storeKey)).toBeUndefined();
    const b = replica("b");
    await commitEvent(b);
    await commitEvent(b, other);
    one.fail(signals[0]?.reason);
    two.fail(signals[1]?.reason);
    for (const outcome of outcomes) await expect(outcome).rejects.toMatchObject({ reason: "shutdown" });
  });

  it("waits for the store calls of a handler that it aborted", async () => {
    const { clock, memory, pass, replica } = world();
    const { dedup, store, steps } = replica("a");
    const outcome = dedup.guard(event, async ({ signal }) => {
      await new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
    });
    const rethrown = expect(outcome).rejects.toMatchObject({ reason: "shutdown" });
    await pass(0);
    store.breakDown(slowAnswer(clock, 500));
    const closing = dedup.close({ drainMs: 0 });
    await pass(5_000);
    await closing;
    await rethrown;
    expect(steps.map(({ type }) => type)).toEqual(["reserved", "expired", "failed", "released"]);
    expect(steps.at(-1)).toMatchObject({ left: "nothing" });
    expect(await memory.get(resolved.storeKey)).toBeUndefined();
    expect(clock.timers).toBe(0);
  });

  it("does not wait for a handler that never ends", async () => {
    const { clock, replica } = world();
    const { dedup } = replica("a");
    const work = task();
    void dedup.guard(event, work.handler);
    await work.reservation;
    await dedup.close({ drainMs: 0 });
    expect(clock.timers).toBe(0);
    await commitEvent(replica("b"));
  });

  it("G8 lets a handler commit that ignored the abort and succeeded: adopted", async () => {
    const { replica } = world();
    const [a, b] = [replica("a"), replica("b")];
    const work = task();
    const outcome = a.dedup.guard(event, work.handler);
    await work.reservation;
    await a.dedup.close({ drainMs: 0 });
    work.succeed("done");
    expect(await outcome).toMatchObject({ outcome: "dispatched", commit: "adopted" });
    await duplicate(b.dedup.reserve(event));
  });

  it("G5 G8 reports superseded to a handler that ignored the abort after another replica took the key", async () => {
    const { memory, replica } = world();
    const [a, b] = [replica("a"), replica("b")];
    const work = task();
    const outcome = a.dedup.guard(event, work.handler);
    await work.reservation;
    await a.dedup.close({ drainMs: 0 });
    await commitEvent(b);
    const stored = await memory.get(resolved.storeKey);
    work.succeed("done");
    expect(await outcome).toMatchObject({ outcome: "dispatched", commit: "superseded" });
    expect(await memory.get(resolved.storeKey)).toEqual(stored);
  });

  it("waits for an in-flight commit, whatever its outcome", async () => {
    const { pass, replica } = world();
    const [a, b] = [replica("a"), replica("b")];
    const reservation = await unseen(a.dedup.reserve(event));
    a.store.breakDown(outage);
    const commit = reservation.commit();
    await pass(1_000);
    const closing = watched(a.dedup.close({ drainMs: 0 }));
    await pass(1_000);
    expect(closing.state()).toBe("waiting");
    expect(reservation.signal.aborted).toBe(false);
    a.store.heal();
    await pass(1_000);
    await closing.promise;
    expect(await commit).toEqual({ commit: "confirmed" });
    await duplicate(b.dedup.reserve(event));
  });

  it("waits for the commit of a handler that ended when it was aborted, whatever its outcome", async () => {
    const { pass, replica } = world();
    const [a, b] = [replica("a"), replica("b")];
    const outcome = a.dedup.guard(event, async ({ signal }) => {
      await new Promise((resolve) => signal.addEventListener("abort", resolve));
    });
    await pass(0);
    a.store.breakDown(outage, ["put"]);
    const closing = watched(a.dedup.close({ drainMs: 0 }));
    await pass(1_000);
    expect(closing.state()).toBe("waiting");
    a.store.heal();
    await pass(1_000);
    await closing.promise;
    expect(await outcome).toMatchObject({ commit: "adopted" });
    await duplicate(b.dedup.reserve(event));
  });

  it("waits for an in-flight release", async () => {
    const { memory, replica } = world();
    const { dedup, store } = replica("a");
    const reservation = await unseen(dedup.reserve(event));
    const removal = held();
    store.script("remove", removal.fault);
    const released = reservation.release();
    const closing = watched(dedup.close({ drainMs: 0 }));
    await new Promise((resolve) => setImmediate(resolve));
    expect(closing.state()).toBe("waiting");
    await removal.go();
    await Promise.all([closing.promise, released]);
    expect(await memory.get(resolved.storeKey)).toBeUndefined();
  });

  it.each([0, 3_000])(
    "ends five seconds after a drain of %i ms, although a claim hangs, and rejects its caller",
    async (drainMs) => {
      const { memory, pass, replica } = world();
      const { dedup, store } = replica("a");
      const claim = held();
      store.script("put", claim.fault);
      const refused = watched(dedup.reserve(event));
      refused.promise.catch(() => {});
      const closing = watched(dedup.close({ drainMs }));
      await pass(drainMs);
      expect([refused.state(), closing.state()]).toEqual(["rejected", "waiting"]);
      await expect(refused.promise).rejects.toMatchObject(closed);
      await pass(4_999);
      expect(closing.state()).toBe("waiting");
      await pass(1);
      expect(closing.state()).toBe("resolved");
      await claim.go();
      await pass(0);
      expect(await memory.get(resolved.storeKey)).toBeUndefined();
    },
  );

  it("ends five seconds after the drain, although a commit is still being repeated", async () => {
    const { pass, replica } = world();
    const [a, b] = [replica("a"), replica("b")];
    const reservation = await unseen(a.dedup.reserve(event));
    a.store.breakDown(outage);
    const commit = reservation.commit();
    const closing = watched(a.dedup.close({ drainMs: 0 }));
    await pass(5_000);
    expect(closing.state()).toBe("resolved");
    a.store.heal();
    await pass(1_000);
    expect(await commit).toEqual({ commit: "confirmed" });
    await duplicate(b.dedup.reserve(event));
  });

  it("releases a key that an in-flight claim is granted, and rejects the caller", async () => {
    const { clock, memory, replica } = world();
    const { dedup, store } = replica("a");
    const claim = held();
    store.script("put", claim.fault);
    const work = task();
    const refused = expect(dedup.guard(event, work.handler)).rejects.toMatchObject(closed);
    const joined = expect(dedup.reserve(event)).rejects.toMatchObject(closed);
    const closing = dedup.close({ drainMs: 0 });
    await claim.go();
    await Promise.all([refused, joined, closing]);
    expect(work.runs()).toBe(0);
    expect(await memory.get(resolved.storeKey)).toBeUndefined();
    expect(clock.timers).toBe(0);
  });

  it("starts no handler with an aborted signal, however soon it follows the grant", async () => {
    const ends = new Set<string>();
    for (let turns = 0; turns < 20; turns += 1) {
      const { pass, replica } = world();
      const { dedup, store } = replica("a");
      const claim = held();
      store.script("put", claim.fault);
      const guarded = dedup.guard(event, ({ signal }) => void ends.add(signal.aborted ? "aborted" : "begun"));
      const settled = guarded.catch((error: unknown) => ends.add(hasCode(error, "closed") ? "refused" : String(error)));
      void claim.go();
      for (let turn = 0; turn < turns; turn += 1) await Promise.resolve();
      await dedup.close({ drainMs: 0 });
      await pass(0);
      await settled;
    }
    expect([...ends]).toEqual(["refused", "begun"]);
  });

  it("runs the handler of a claim that is granted during the drain", async () => {
    const { pass, replica } = world();
    const { dedup, store } = replica("a");
    const claim = held();
    store.script("put", claim.fault);
    const outcome = dedup.guard(event, () => "done");
    const closing = dedup.close();
    await pass(1_000);
    await claim.go();
    expect(await outcome).toMatchObject({ outcome: "dispatched", commit: "confirmed" });
    await closing;
  });

  it("F18 releases all other keys when the store refuses one of them", async () => {
    const { memory, replica } = world();
    const { dedup, store } = replica("a");
    const events = ["1", "2", "3", "4"].map((eventId) => ({ ...event, eventId }));
    for (const one of events) await unseen(dedup.reserve(one));
    store.script("remove", outage);
    await dedup.close({ drainMs: 0 });
    expect(store.calls.filter(({ method }) => method === "remove")).toHaveLength(4);
    let left = 0;
    for await (const _ of memory.list({})) left += 1;
    expect(left).toBe(1);
  });

  it("resolves even if the store never answers a removal", async () => {
    const { pass, replica } = world();
    const { dedup, store } = replica("a");
    await unseen(dedup.reserve(event));
    store.breakDown(silence);
    const closing = watched(dedup.close({ drainMs: 0 }));
    await pass(LEASE_MS);
    expect(closing.state()).toBe("resolved");
  });

  it("resolves when the store cannot remove keys", async () => {
    const { clock, memory, replica } = world();
    const { put, get } = memory;
    const [a, b] = [replica("a", { store: { put, get } }), replica("b")];
    await unseen(a.dedup.reserve(event));
    await a.dedup.close({ drainMs: 0 });
    expect(clock.timers).toBe(0);
    await pending(b.dedup.reserve(event));
  });

  it("may be called again at any time: every call resolves when the in-flight work has ended", async () => {
    const { clock, pass, replica } = world();
    const { dedup } = replica("a");
    const work = task();
    const outcome = dedup.guard(event, work.handler);
    await work.reservation;
    const closings = [dedup.close(), dedup.close(), dedup[Symbol.asyncDispose]()].map(watched);
    await pass(5_000);
    work.succeed("done");
    await outcome;
    await pass(0);
    expect(closings.map(({ state }) => state())).toEqual(["resolved", "resolved", "resolved"]);
    expect(clock.timers).toBe(0);
    await dedup.close();
  });

  it("stops in-flight handlers sooner when called again with a shorter drain", async () => {
    const { pass, replica } = world();
    const { dedup } = replica("a");
    const { signal } = await unseen(dedup.reserve(event));
    const patient = watched(dedup.close({ drainMs: 60_000 }));
    await pass(5_000);
    await dedup.close({ drainMs: 0 });
    expect(signal.reason).toMatchObject({ reason: "shutdown" });
    await pass(60_000);
    expect(patient.state()).toBe("resolved");
  });

  it("waits for the same removals when called twice at once", async () => {
    const { memory, pass, replica } = world();
    const { dedup, steps, store } = replica("a");
    await unseen(dedup.reserve(event));
    const removal = held();
    store.script("remove", removal.fault);
    const closings = [dedup.close({ drainMs: 0 }), dedup.close({ drainMs: 0 })].map(watched);
    await pass(0);
    expect(closings.map(({ state }) => state())).toEqual(["waiting", "waiting"]);
    await removal.go();
    await pass(0);
    expect(closings.map(({ state }) => state())).toEqual(["resolved", "resolved"]);
    expect(steps.filter(({ type }) => type === "expired")).toHaveLength(1);
    expect(await memory.get(resolved.storeKey)).toBeUndefined();
  });

  it("runs at the end of an `await using` block", async () => {
    const w = world();
    const { memory, clock } = w;
    let running: Deduplicator | undefined;
    {
      await using dedup = new Deduplicator({ store: memory, clock });
      running = dedup;
      await dedup.guard(event, () => {});
    }
    await expect(running.reserve(event)).rejects.toMatchObject(closed);
    await commitEvent(w.replica("b"), other);
  });
});

describe("resource cleanup", () => {
  it("leaves no timer and no later store call, however a delivery ended", async () => {
    const { clock, pass, replica } = world();
    const [a, b] = [replica("a"), replica("b", { renew: false })];
    const at = (eventId: string) => ({ ...event, eventId });
    await commitEvent(a, at("committed"));
    await duplicate(a.dedup.reserve(at("committed")));
    await expect(a.dedup.guard(at("failed"), () => Promise.reject(new Error("no")))).rejects.toThrow("no");
    const renewed = await unseen(a.dedup.reserve(at("renewed")));
    await pending(b.dedup.reserve(at("renewed")));
    const late = await unseen(b.dedup.reserve(at("late")));
    await pass(2 * LEASE_MS);
    await unseen(a.dedup.reserve(at("late"))).then((reservation) => reservation.commit());
    await late.commit();
    await renewed.release();
    a.store.script("put", outage);
    await expect(a.dedup.reserve(at("unavailable"))).rejects.toThrow("unreachable");
    expect(clock.timers).toBe(0);
    const asked = a.store.calls.length + b.store.calls.length;
    await pass(10 * LEASE_MS);
    expect(a.store.calls.length + b.store.calls.length).toBe(asked);
  });

  it("lets a finished process exit without `process.exit`", async () => {
    const index = JSON.stringify(resolve(import.meta.dirname, "../../src/index.ts"));
    const script = `
      import { Deduplicator, memoryStore } from ${index};
      const dedup = new Deduplicator({ store: memoryStore() });
      const identity = { subscriptionId: "sub-1", eventId: "evt-1" };
      const { outcome } = await dedup.guard(identity, () => new Promise((resolve) => setTimeout(resolve, 10)));
      const again = await dedup.guard(identity, () => {});
      console.log(outcome, again.outcome);
    `;
    const args = ["--import", "tsx", "--input-type=module", "--eval", script];
    const { stdout } = await promisify(execFile)(process.execPath, args, { timeout: 60_000 });
    expect(stdout.trim()).toBe("dispatched duplicate");
  });
});

describe("an abort listener", () => {
  it("may release the reservation, even if a late commit causes the abort", async () => {
    const w = world();
    const clock = new BlockableClock(w.clock);
    const { dedup } = w.replica("a", { clock });
    const reservation = await unseen(dedup.reserve(event));
    reservation.signal.addEventListener("abort", () => void reservation.release());
    clock.block();
    await w.pass(LEASE_MS);
    const commit = watched(reservation.commit());
    clock.unblock();
    await w.pass(LEASE_MS);
    expect(commit.state()).not.toBe("waiting");
    await expect(commit.promise).rejects.toMatchObject({ code: "reservation-released" });
  });

  it("may commit the reservation", async () => {
    const w = world();
    const { dedup, trail } = w.replica("a", { renew: false });
    const reservation = await unseen(dedup.reserve(event));
    let commit: Promise<unknown> = Promise.resolve();
    reservation.signal.addEventListener("abort", () => {
      commit = reservation.commit();
    });
    await w.pass(LEASE_MS);
    expect(await commit).toEqual({ commit: "adopted" });
    expect(trail()).toEqual(["reserved", "expired", "dispatched", "committed"]);
  });
});

describe("a deduplicator without a clock option", () => {
  it("uses the clock of the process", async () => {
    await using dedup = new Deduplicator({ store: memoryStore() });
    expect(await dedup.guard(event, () => "done")).toMatchObject({ outcome: "dispatched", commit: "confirmed" });
    expect(await dedup.guard(event, () => "again")).toMatchObject({ outcome: "duplicate" });
  });
});
