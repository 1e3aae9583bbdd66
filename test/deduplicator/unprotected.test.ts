import { describe, expect, it } from "vitest";
import { answering, answerLost, outage, throwing, writeLost } from "../support/faulty-store.ts";
import {
  commitEvent,
  duplicate,
  event,
  LEASE_MS,
  pending,
  resolved,
  SKEW_MS,
  task,
  unseen,
  world,
} from "../support/replicas.ts";

const dispatch = { onStoreUnavailable: "dispatch" } as const;

describe('`onStoreUnavailable: "dispatch"`', () => {
  it("runs the handler while the store is unavailable, and reports the dispatch as unprotected", async () => {
    const { clock, pass, replica } = world();
    const { dedup, steps, store, trail } = replica("a", dispatch);
    store.breakDown(outage);
    const work = task();
    const outcome = dedup.guard(event, work.handler);
    expect(await work.reservation).toMatchObject({ unprotected: true, fence: 0, attempt: 1, key: resolved.key });
    work.succeed("done");
    await pass(0);
    expect(await outcome).toEqual({ outcome: "dispatched", key: resolved.key, value: "done", commit: "unconfirmed" });
    expect(trail()).toEqual(["store-unavailable", "unprotected", "dispatched", "store-unavailable", "unconfirmed"]);
    expect(steps[1]).toMatchObject({ type: "unprotected", fence: 0, error: { code: "store-unavailable" } });
    expect(clock.timers).toBe(0);
  });

  it("changes nothing while the store is available", async () => {
    const { replica } = world();
    const { dedup, trail } = replica("a", dispatch);
    const reservation = await unseen(dedup.reserve(event));
    expect(reservation.unprotected).toBe(false);
    await reservation.commit();
    await duplicate(dedup.reserve(event));
    expect(trail()).not.toContain("unprotected");
  });

  it("adopts the commit when the store has recovered", async () => {
    const { memory, replica } = world();
    const [a, b] = [replica("a", dispatch), replica("b")];
    a.store.script("put", outage);
    const reservation = await unseen(a.dedup.reserve(event));
    expect(await reservation.commit()).toEqual({ commit: "adopted" });
    expect((await memory.get(resolved.storeKey))?.record).toMatchObject({ state: "committed", owner: "a" });
    await duplicate(b.dedup.reserve(event));
  });

  it.each([
    ["is dispatching it now", false],
    ["has committed it", true],
  ])("G5 reports superseded when another replica %s", async (_, isCommitted) => {
    const { memory, replica } = world();
    const [a, b] = [replica("a", dispatch), replica("b")];
    a.store.script("put", outage);
    const unprotected = await unseen(a.dedup.reserve(event));
    const later = await unseen(b.dedup.reserve(event));
    if (isCommitted) await later.commit();
    const stored = await memory.get(resolved.storeKey);
    expect(await unprotected.commit()).toEqual({ commit: "superseded" });
    expect(await memory.get(resolved.storeKey)).toEqual(stored);
  });

  it("leaves nothing behind when the handler fails", async () => {
    const { clock, memory, replica } = world();
    const { dedup, steps, store } = replica("a", dispatch);
    store.script("put", outage);
    const error = new Error("no");
    await expect(dedup.guard(event, () => Promise.reject(error))).rejects.toBe(error);
    expect(steps.at(-1)).toMatchObject({ type: "released", left: "nothing" });
    expect(await memory.get(resolved.storeKey)).toBeUndefined();
    expect(clock.timers).toBe(0);
    await unseen(dedup.reserve(event));
  });

  it("dispatches once per process: other deliveries are pending or wait", async () => {
    const { pass, replica } = world();
    const { dedup, store } = replica("a", dispatch);
    store.script("put", outage);
    const [first, second] = [task(), task()];
    const outcome = dedup.guard(event, first.handler);
    await first.reservation;
    await pending(dedup.reserve(event));
    const waiting = dedup.guard(event, second.handler, { onPending: "wait" });
    await pass(LEASE_MS);
    first.succeed("done");
    await pass(1_000);
    expect(await outcome).toMatchObject({ commit: "adopted" });
    expect(await waiting).toMatchObject({ outcome: "duplicate" });
    expect(second.runs()).toBe(0);
  });

  it("grants no lease: no timer runs, and only a shutdown aborts the signal", async () => {
    const { clock, pass, replica } = world();
    const { dedup, steps, store } = replica("a", dispatch);
    store.script("put", outage);
    const { signal } = await unseen(dedup.reserve(event));
    expect(clock.timers).toBe(0);
    await pass(3 * LEASE_MS);
    expect(signal.aborted).toBe(false);
    await dedup.close({ drainMs: 0 });
    expect(signal.reason).toMatchObject({ reason: "shutdown" });
    await dedup.close({ drainMs: 0 });
    expect(steps.filter(({ type }) => type === "expired")).toHaveLength(1);
  });

  it("retries an ambiguous claim, and is protected when its write was applied", async () => {
    const { pass, replica } = world();
    const { dedup, store } = replica("a", dispatch);
    store.script("put", answerLost);
    const decision = dedup.reserve(event);
    await pass(50);
    expect(await unseen(decision)).toMatchObject({ unprotected: false, fence: 1 });
  });

  it("dispatches after half a lease without an answer, and finds its own record at the commit", async () => {
    const { memory, pass, replica } = world();
    const { dedup, store } = replica("a", dispatch);
    store.script("put", answerLost);
    store.breakDown(outage);
    const decision = dedup.reserve(event);
    await pass(LEASE_MS / 2);
    const reservation = await unseen(decision);
    expect(reservation).toMatchObject({ unprotected: true, fence: 0 });
    store.heal();
    expect(await reservation.commit()).toEqual({ commit: "adopted" });
    expect((await memory.get(resolved.storeKey))?.record).toMatchObject({ state: "committed", token: "token-1" });
  });

  it("reports a possible reservation when the handler fails after an ambiguous claim", async () => {
    const { memory, pass, replica } = world();
    const [a, b] = [replica("a", dispatch), replica("b")];
    a.store.script("put", answerLost);
    a.store.breakDown(outage);
    const outcome = expect(a.dedup.guard(event, () => Promise.reject(new Error("no")))).rejects.toThrow("no");
    await pass(LEASE_MS / 2);
    await outcome;
    expect(await memory.get(resolved.storeKey)).toBeDefined();
    expect(a.steps.at(-1)).toMatchObject({ type: "released", left: "reservation" });
    await pass(LEASE_MS / 2 + SKEW_MS);
    await commitEvent(b);
  });

  it.each([
    ["answers outside its contract", answering("OK"), TypeError],
    ["holds an unreadable record", answering({ ok: false, current: { revision: 1, record: { v: 9 } } }), Error],
    ["throws another error", throwing(new RangeError("broken")), RangeError],
  ])("does not dispatch when the store %s, because that is no outage", async (_, fault, kind) => {
    const { replica } = world();
    const { dedup, store, trail } = replica("a", dispatch);
    store.breakDown(fault, ["put"]);
    const work = task();
    await expect(dedup.guard(event, work.handler)).rejects.toBeInstanceOf(kind);
    expect(work.runs()).toBe(0);
    expect(trail()).toEqual(["store-unavailable"]);
  });

  it("stops its commit after one lost answer", async () => {
    const { pass, replica } = world();
    const { dedup, store } = replica("a", dispatch);
    store.script("put", outage, writeLost);
    const reservation = await unseen(dedup.reserve(event));
    const commit = reservation.commit();
    await pass(0);
    expect(await commit).toEqual({ commit: "unconfirmed" });
    expect(store.calls).toHaveLength(2);
  });
});
