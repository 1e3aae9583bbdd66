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
  it("runs the handler while the store is away, and says that it is unprotected", async () => {
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

  it("changes nothing while the store is there", async () => {
    const { replica } = world();
    const { dedup, trail } = replica("a", dispatch);
    const reservation = await unseen(dedup.reserve(event));
    expect(reservation.unprotected).toBe(false);
    await reservation.commit();
    await duplicate(dedup.reserve(event));
    expect(trail()).not.toContain("unprotected");
  });

  it("commits afterwards when the store has come back: adopted", async () => {
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
  ])("G5 is superseded when another replica %s", async (_, isCommitted) => {
    const { memory, replica } = world();
    const [a, b] = [replica("a", dispatch), replica("b")];
    a.store.script("put", outage);
    const unprotected = await unseen(a.dedup.reserve(event));
    const later = await unseen(b.dedup.reserve(event));
    if (isCommitted) await later.commit();
    const standing = await memory.get(resolved.storeKey);
    expect(await unprotected.commit()).toEqual({ commit: "superseded" });
    expect(await memory.get(resolved.storeKey)).toEqual(standing);
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

  it("dispatches once in this process all the same: others are pending, or wait", async () => {
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

  it("has no lease: neither timers nor an abort, but for the shutdown", async () => {
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

  it("waits until a claim in doubt is known: it is ours, and protected", async () => {
    const { pass, replica } = world();
    const { dedup, store } = replica("a", dispatch);
    store.script("put", answerLost);
    const decision = dedup.reserve(event);
    await pass(50);
    expect(await unseen(decision)).toMatchObject({ unprotected: false, fence: 1 });
  });

  it("dispatches when a claim stays in doubt for half a lease, and finds its own record at the commit", async () => {
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

  it("does not say that nothing is left when a claim in doubt may have been applied and the handler fails", async () => {
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
    ["holds what cannot be read", answering({ ok: false, current: { revision: 1, record: { v: 9 } } }), Error],
    ["throws anything else", throwing(new RangeError("broken")), RangeError],
  ])("does not dispatch when the store %s: that is no outage", async (_, fault, kind) => {
    const { replica } = world();
    const { dedup, store, trail } = replica("a", dispatch);
    store.breakDown(fault, ["put"]);
    const work = task();
    await expect(dedup.guard(event, work.handler)).rejects.toBeInstanceOf(kind);
    expect(work.runs()).toBe(0);
    expect(trail()).toEqual(["store-unavailable"]);
  });

  it("gives up its commit after one answer that does not come", async () => {
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
