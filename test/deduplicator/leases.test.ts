import { describe, expect, it } from "vitest";
import { ReservationLostError } from "../../src/errors.ts";
import type { Clock } from "../../src/internal/clock.ts";
import {
  answering,
  answerLost,
  outage,
  pass as passes,
  silence,
  slowAnswer,
  writeLost,
} from "../support/faulty-store.ts";
import {
  BlockableClock,
  commitEvent,
  event,
  LEASE_MS,
  pending,
  type Replica,
  resolved,
  SKEW_MS,
  task,
  unseen,
  type World,
  watched,
  world,
} from "../support/replicas.ts";

/** Returns when each put was sent, without the first. */
function renewalsOf({ store }: Replica): number[] {
  return store.calls.flatMap(({ method, atMs }) => (method === "put" ? [atMs] : [])).slice(1);
}

/** Returns when a signal aborts, and when a rival replica that keeps asking gets the key. */
async function race(
  { clock, pass, replica }: World,
  signal: AbortSignal,
): Promise<{ abortedAtMs: number; takenAtMs: number; isAbortedFirst: boolean }> {
  let abortedAtMs = Number.POSITIVE_INFINITY;
  signal.addEventListener("abort", () => (abortedAtMs = clock.monotonicMs()));
  let taken: { readonly atMs: number; readonly isAbortedFirst: boolean } | undefined;
  const { dedup } = replica("rival");
  const outcome = dedup.guard(
    event,
    () => {
      taken = { atMs: clock.monotonicMs(), isAbortedFirst: signal.aborted };
    },
    { onPending: "wait" },
  );
  for (let waitedMs = 0; taken === undefined && waitedMs < 10 * LEASE_MS; waitedMs += 10) await pass(10);
  if (taken === undefined) throw new Error("The rival never got the key");
  await outcome;
  return { abortedAtMs, takenAtMs: taken.atMs, isAbortedFirst: taken.isAbortedFirst };
}

describe("a reservation", () => {
  it("is renewed every third of its lease until it is settled", async () => {
    const { clock, pass, replica } = world();
    const a = replica("a");
    const work = task();
    const outcome = a.dedup.guard(event, work.handler);
    await pass(3 * LEASE_MS);
    expect(renewalsOf(a)).toEqual([10_000, 20_000, 30_000, 40_000, 50_000, 60_000, 70_000, 80_000, 90_000]);
    expect(a.trail()).toEqual(["reserved", ...Array(9).fill("renewed")]);
    work.succeed("done");
    expect(await outcome).toMatchObject({ commit: "confirmed" });
    expect(clock.timers).toBe(0);
    await pass(3 * LEASE_MS);
    expect(a.store.calls).toHaveLength(11);
  });

  it("is renewed every third of its own lease", async () => {
    const { pass, replica } = world();
    const a = replica("a");
    await unseen(a.dedup.reserve(event, { leaseMs: 3_000 }));
    await pass(3_500);
    expect(renewalsOf(a)).toEqual([1_000, 2_000, 3_000]);
  });

  it("G1 is not granted to another replica while it is renewed", async () => {
    const { pass, replica } = world();
    const [a, b] = [replica("a"), replica("b")];
    const reservation = await unseen(a.dedup.reserve(event));
    for (let passedMs = 0; passedMs < 10 * LEASE_MS; passedMs += LEASE_MS / 4) {
      await pass(LEASE_MS / 4);
      await pending(b.dedup.reserve(event));
    }
    expect(reservation.signal.aborted).toBe(false);
    expect(await reservation.commit()).toEqual({ commit: "confirmed" });
  });

  it("is not renewed with `renew: false`", async () => {
    const { clock, pass, replica } = world();
    const a = replica("a", { renew: false });
    const { signal } = await unseen(a.dedup.reserve(event));
    await pass(LEASE_MS - 1);
    expect(signal.aborted).toBe(false);
    await pass(1);
    expect(signal.aborted).toBe(true);
    expect(renewalsOf(a)).toEqual([]);
    expect(clock.timers).toBe(0);
  });

  it("F18 is not renewed after its release, even during an in-flight renewal", async () => {
    const { clock, memory, pass, replica } = world();
    const a = replica("a");
    const work = task();
    const outcome = a.dedup.guard(event, work.handler);
    a.store.script("put", passes, slowAnswer(clock, 5_000));
    await pass(12_000);
    work.fail(new Error("no"));
    await expect(outcome).rejects.toThrow("no");
    expect(await memory.get(resolved.storeKey)).toBeUndefined();
    await pass(LEASE_MS);
    expect(renewalsOf(a)).toEqual([10_000]);
    expect(await memory.get(resolved.storeKey)).toBeUndefined();
    expect(clock.timers).toBe(0);
  });

  it("starts its lease before the write is sent, however long the answer takes", async () => {
    const w = world();
    const a = w.replica("a", { renew: false });
    a.store.script("put", slowAnswer(w.clock, 20_000));
    const decision = a.dedup.reserve(event);
    await w.pass(20_000);
    const { signal } = await unseen(decision);
    const { abortedAtMs, isAbortedFirst } = await race(w, signal);
    expect(abortedAtMs).toBe(LEASE_MS);
    expect(isAbortedFirst).toBe(true);
  });

  it("starts a renewed lease before the renewal is first sent", async () => {
    const w = world();
    const a = w.replica("a");
    const { signal } = await unseen(a.dedup.reserve(event));
    // The renewal at 10 s gets no answer. Its retry at 10.05 s is answered after 8 s. Then the store is unavailable.
    a.store.script("put", writeLost, slowAnswer(w.clock, 8_000));
    await w.pass(18_050);
    expect(a.trail()).toEqual(["reserved", "store-unavailable", "renewed"]);
    a.store.breakDown(outage);
    const { abortedAtMs, isAbortedFirst } = await race(w, signal);
    expect(abortedAtMs).toBe(10_000 + LEASE_MS);
    expect(isAbortedFirst).toBe(true);
  });

  it("is claimed again over its own record when a blocked event loop reads the acknowledgement after the lease", async () => {
    const w = world();
    const clock = new BlockableClock(w.clock);
    const a = w.replica("a", { clock });
    a.store.script("put", slowAnswer(w.clock, LEASE_MS));
    const decision = a.dedup.reserve(event);
    clock.block();
    await w.pass(LEASE_MS);
    const reservation = await unseen(decision);
    clock.unblock();
    expect(reservation).toMatchObject({ attempt: 1, fence: 2 });
    expect(a.store.calls).toMatchObject([
      { method: "put", expected: 0, record: { token: "token-1" } },
      { method: "put", expected: 1, record: { token: "token-1/2" } },
    ]);
    expect(await w.memory.get(resolved.storeKey)).toMatchObject({ revision: 2, record: { token: "token-1/2" } });
    await w.pass(LEASE_MS - 1);
    expect(reservation.signal.aborted).toBe(false);
  });

  it("is refused when the store's answer takes longer than a lease, and the written record expires", async () => {
    const { clock, pass, replica } = world();
    const [a, b] = [replica("a"), replica("b")];
    a.store.breakDown(slowAnswer(clock, LEASE_MS + 1), ["put"]);
    const refused = expect(a.dedup.reserve(event)).rejects.toMatchObject({
      code: "store-unavailable",
      ambiguous: true,
    });
    await pass(LEASE_MS);
    await refused;
    expect(a.trail()).toEqual(["store-unavailable"]);
    await pass(1);
    expect(clock.timers).toBe(0);
    await pending(b.dedup.reserve(event));
    await pass(SKEW_MS);
    await commitEvent(b);
  });

  it("survives an outage that is shorter than the rest of its lease", async () => {
    const { pass, replica } = world();
    const [a, b] = [replica("a"), replica("b")];
    const reservation = await unseen(a.dedup.reserve(event));
    await pass(9_000);
    a.store.breakDown(outage);
    await pass(20_000);
    a.store.heal();
    await pass(LEASE_MS);
    expect(reservation.signal.aborted).toBe(false);
    await pending(b.dedup.reserve(event));
    expect(await reservation.commit()).toEqual({ commit: "confirmed" });
  });

  it("G9 continues when a renewal was applied but its answer is lost", async () => {
    const { pass, replica } = world();
    const [a, b] = [replica("a"), replica("b")];
    const reservation = await unseen(a.dedup.reserve(event));
    a.store.script("put", answerLost);
    await pass(10_050);
    expect(a.trail()).toEqual(["reserved", "store-unavailable", "renewed"]);
    expect(a.steps.at(-1)).toMatchObject({ fence: reservation.fence, revision: reservation.fence + 1 });
    await pass(5 * LEASE_MS);
    expect(reservation.signal.aborted).toBe(false);
    await pending(b.dedup.reserve(event));
    expect(await reservation.commit()).toEqual({ commit: "confirmed" });
  });

  it("G9 is renewed again when a renewal is lost", async () => {
    const { pass, replica } = world();
    const [a, b] = [replica("a"), replica("b")];
    const reservation = await unseen(a.dedup.reserve(event));
    a.store.script("put", writeLost, writeLost, writeLost);
    await pass(LEASE_MS + SKEW_MS + 1);
    expect(reservation.signal.aborted).toBe(false);
    expect(renewalsOf(a).slice(0, 4)).toEqual([10_000, 10_050, 10_150, 10_350]);
    await pending(b.dedup.reserve(event));
    expect(await reservation.commit()).toEqual({ commit: "confirmed" });
  });
});

describe("G6 the handler's signal, before another replica can get the key,", () => {
  it("aborts when the lease ends", async () => {
    const w = world();
    const { dedup, steps } = w.replica("a", { renew: false });
    const { key, signal } = await unseen(dedup.reserve(event));
    expect(await race(w, signal)).toMatchObject({ abortedAtMs: LEASE_MS, isAbortedFirst: true });
    expect(signal.reason).toBeInstanceOf(ReservationLostError);
    expect(signal.reason).toMatchObject({ code: "reservation-lost", reason: "lease-ended", key });
    expect(signal.reason).not.toHaveProperty("cause");
    expect(steps.at(-1)).toMatchObject({ type: "expired", reason: "lease-ended" });
  });

  it("aborts when the lease ends, even if the store never expires the key", async () => {
    const w = world();
    const put: typeof w.memory.put = (key, record, how) => w.memory.put(key, record, { ...how, ttlMs: 86_400_000 });
    const store = { ...w.memory, put };
    const { dedup } = w.replica("a", { renew: false, store });
    const { signal } = await unseen(dedup.reserve(event));
    const { abortedAtMs, isAbortedFirst } = await race(w, signal);
    expect(abortedAtMs).toBe(LEASE_MS);
    expect(isAbortedFirst).toBe(true);
  });

  it.each([
    ["reports an outage", outage],
    ["loses all writes", writeLost],
    ["answers outside its contract", answering("OK")],
  ])("aborts when the store %s until the lease ends", async (_, fault) => {
    const w = world();
    const { dedup, steps, store } = w.replica("a");
    const { signal } = await unseen(dedup.reserve(event));
    await w.pass(15_000);
    store.breakDown(fault);
    // The renewal at 10 s began the last lease.
    expect(await race(w, signal)).toMatchObject({ abortedAtMs: 10_000 + LEASE_MS, isAbortedFirst: true });
    const { error: cause } = steps.findLast((step) => step.type === "store-unavailable") ?? { error: "none" };
    expect(signal.reason).toMatchObject({ reason: "store-unavailable", cause });
    expect(steps.at(-1)).toMatchObject({ type: "expired", reason: "store-unavailable" });
  });

  it("aborts when the store never answers the renewal", async () => {
    const w = world();
    const { dedup, store } = w.replica("a");
    const { signal } = await unseen(dedup.reserve(event));
    store.breakDown(silence);
    expect(await race(w, signal)).toMatchObject({ abortedAtMs: LEASE_MS, isAbortedFirst: true });
    expect(signal.reason).toMatchObject({ reason: "store-unavailable" });
  });

  it("aborts when the deduplicator closes", async () => {
    const w = world();
    const { dedup, steps, store } = w.replica("a");
    const { signal } = await unseen(dedup.reserve(event));
    let isAbortedFirst: boolean | undefined;
    store.script("remove", (apply) => {
      isAbortedFirst = signal.aborted;
      return apply();
    });
    await dedup.close({ drainMs: 0 });
    expect(isAbortedFirst).toBe(true);
    expect(signal.reason).toMatchObject({ reason: "shutdown" });
    expect(steps.at(-1)).toMatchObject({ type: "expired", reason: "shutdown" });
    await unseen(w.replica("b").dedup.reserve(event));
  });

  it("aborts as soon as an event loop runs that was blocked for longer than the lease", async () => {
    const w = world();
    const clock = new BlockableClock(w.clock);
    const a = w.replica("a", { clock });
    const { signal } = await unseen(a.dedup.reserve(event));
    clock.block();
    await w.pass(LEASE_MS + SKEW_MS);
    clock.unblock();
    expect(signal.reason).toMatchObject({ reason: "lease-ended" });
    await w.pass(0);
    expect(renewalsOf(a)).toEqual([]);
  });

  it("is never aborted when the handler starts: a key whose lease ended while queued is reserved again", async () => {
    const w = world();
    const clock = new BlockableClock(w.clock);
    const { dedup, steps } = w.replica("a", { clock, renew: false });
    const begun: object[] = [];
    clock.block();
    const busy = dedup.guard({ ...event, eventId: "evt-2" }, () => w.clock.advance(LEASE_MS + SKEW_MS));
    const next = dedup.guard(event, ({ fence, signal }) => begun.push({ fence, isLost: signal.aborted }));
    expect(await busy).toMatchObject({ outcome: "dispatched", commit: "adopted" });
    expect(await next).toMatchObject({ outcome: "dispatched", commit: "confirmed" });
    const fences = steps.flatMap(({ type, identity, fence }) =>
      type === "reserved" && identity.eventId === event.eventId ? [fence] : [],
    );
    expect(fences).toHaveLength(2);
    expect(begun).toEqual([{ fence: fences[1], isLost: false }]);
  });

  it("aborts with the actual reason, not with an outage that is over", async () => {
    const w = world();
    const clock = new BlockableClock(w.clock);
    const { dedup, store, trail } = w.replica("a", { clock });
    const { signal } = await unseen(dedup.reserve(event));
    store.script("put", outage);
    await w.pass(LEASE_MS / 2);
    expect(trail()).toEqual(["reserved", "store-unavailable", "renewed"]);
    clock.block();
    await w.pass(2 * LEASE_MS);
    clock.unblock();
    expect(signal.reason).toMatchObject({ reason: "lease-ended" });
    expect(signal.reason).not.toHaveProperty("cause");
  });

  it("is aborted neither by a commit nor by a release", async () => {
    const { pass, replica } = world();
    const { dedup } = replica("a");
    const signals: AbortSignal[] = [];
    await dedup.guard(event, ({ signal }) => signals.push(signal));
    const released = await unseen(dedup.reserve({ ...event, eventId: "evt-2" }));
    await released.release();
    signals.push(released.signal);
    await pass(2 * LEASE_MS);
    expect(signals.map(({ aborted }) => aborted)).toEqual([false, false]);
  });
});

describe("G6 the handler's signal, at the next renewal,", () => {
  it("aborts after an operator cleared the key", async () => {
    const { memory, pass, replica } = world();
    const [a, b] = [replica("a"), replica("b")];
    const { signal } = await unseen(a.dedup.reserve(event));
    expect(await b.dedup.clear(event)).toBe(1);
    await pass(LEASE_MS / 3 - 1);
    expect(signal.aborted).toBe(false);
    await pass(1);
    expect(signal.reason).toMatchObject({ code: "reservation-lost", reason: "superseded" });
    expect(a.trail()).toEqual(["reserved", "expired"]);
    expect(await memory.get(resolved.storeKey)).toBeUndefined();
  });

  it("aborts after another replica took the key", async () => {
    const { memory, pass, replica } = world();
    const [a, b] = [replica("a"), replica("b")];
    const { signal } = await unseen(a.dedup.reserve(event));
    await b.dedup.clear(event);
    const later = await unseen(b.dedup.reserve(event));
    await pass(LEASE_MS / 3);
    expect(signal.reason).toMatchObject({ reason: "superseded" });
    expect(later.signal.aborted).toBe(false);
    expect(await memory.get(resolved.storeKey)).toMatchObject({ record: { owner: "b" } });
  });

  it("aborts after another replica committed the key", async () => {
    const { pass, replica } = world();
    const [a, b] = [replica("a"), replica("b")];
    const { signal } = await unseen(a.dedup.reserve(event));
    await b.dedup.clear(event);
    await commitEvent(b);
    await pass(LEASE_MS / 3);
    expect(signal.reason).toMatchObject({ reason: "superseded" });
  });
});

describe("G8 a dispatch that finishes after its lease", () => {
  it.each([
    ["while the store still holds its reservation", LEASE_MS + SKEW_MS - 1],
    ["after the store expired its reservation", LEASE_MS + SKEW_MS],
  ])("is adopted %s", async (_, passedMs) => {
    const { clock, pass, replica } = world();
    const [a, b] = [replica("a", { renew: false }), replica("b")];
    const reservation = await unseen(a.dedup.reserve(event));
    await pass(passedMs);
    expect(await reservation.commit()).toEqual({ commit: "adopted" });
    expect(a.trail()).toEqual(["reserved", "expired", "dispatched", "committed"]);
    expect(a.steps.at(-1)).toMatchObject({ commit: "adopted", fence: reservation.fence });
    expect(clock.timers).toBe(0);
    expect((await b.dedup.reserve(event)).decision).toBe("duplicate");
  });

  it("is adopted when a blocked event loop kept the lease timer from firing", async () => {
    const w = world();
    const clock = new BlockableClock(w.clock);
    const a = w.replica("a", { clock });
    const reservation = await unseen(a.dedup.reserve(event));
    clock.block();
    await w.pass(LEASE_MS);
    expect(reservation.signal.aborted).toBe(false);
    const commit = reservation.commit();
    expect(reservation.signal.aborted).toBe(true);
    expect(await commit).toEqual({ commit: "adopted" });
    clock.unblock();
    await w.pass(LEASE_MS);
    expect(a.store.calls).toHaveLength(2);
  });

  it("G5 is superseded by the replica that holds the key, whose record stays unchanged", async () => {
    const { memory, pass, replica } = world();
    const [a, b] = [replica("a", { renew: false }), replica("b")];
    const late = await unseen(a.dedup.reserve(event));
    await pass(LEASE_MS + SKEW_MS);
    const later = await unseen(b.dedup.reserve(event));
    expect(later.fence).toBeGreaterThan(late.fence);
    const stored = await memory.get(resolved.storeKey);
    expect(await late.commit()).toEqual({ commit: "superseded" });
    expect(a.trail()).toEqual(["reserved", "expired", "dispatched", "superseded"]);
    expect(await memory.get(resolved.storeKey)).toEqual(stored);
    expect(await later.commit()).toEqual({ commit: "confirmed" });
  });

  it("G5 is superseded by the replica that committed the key, whose record stays unchanged", async () => {
    const { memory, pass, replica } = world();
    const [a, b] = [replica("a", { renew: false }), replica("b")];
    const late = await unseen(a.dedup.reserve(event));
    await pass(LEASE_MS + SKEW_MS);
    await commitEvent(b);
    const stored = await memory.get(resolved.storeKey);
    expect(await late.commit()).toEqual({ commit: "superseded" });
    expect(await memory.get(resolved.storeKey)).toEqual(stored);
  });

  it("G5 is superseded, not confirmed, when another replica took the key while the event loop was blocked", async () => {
    const w = world();
    const clock = new BlockableClock(w.clock);
    const [a, b] = [w.replica("a", { clock }), w.replica("b")];
    const late = await unseen(a.dedup.reserve(event));
    clock.block();
    await w.pass(LEASE_MS + SKEW_MS);
    const later = await unseen(b.dedup.reserve(event));
    expect(await late.commit()).toEqual({ commit: "superseded" });
    expect(late.signal.reason).toMatchObject({ reason: "lease-ended" });
    expect(await later.commit()).toEqual({ commit: "confirmed" });
  });

  it("is superseded when an operator cleared the key, which stays cleared", async () => {
    const { memory, replica } = world();
    const [a, b] = [replica("a"), replica("b")];
    const reservation = await unseen(a.dedup.reserve(event));
    await b.dedup.clear(event);
    expect(await reservation.commit()).toEqual({ commit: "superseded" });
    expect(await memory.get(resolved.storeKey)).toBeUndefined();
  });

  it("is adopted when the store lost the key, and nothing was cleared", async () => {
    const { memory, replica } = world();
    const a = replica("a");
    const reservation = await unseen(a.dedup.reserve(event));
    await a.store.forget(resolved.storeKey);
    expect(await reservation.commit()).toEqual({ commit: "adopted" });
    expect(await memory.get(resolved.storeKey)).toMatchObject({ record: { state: "committed" } });
  });

  it("waits for its commit while it is unknown whether the key was cleared, and then reports it", async () => {
    for (const isCleared of [false, true]) {
      const { memory, pass, replica } = world();
      let isKnown = true;
      let epoch = 0;
      const invalidation = { epoch: () => (isKnown ? epoch : undefined), invalidate: async () => {} };
      const { dedup } = replica("a", { store: { ...memory, invalidation } });
      const reservation = await unseen(dedup.reserve(event));
      isKnown = false;
      const stored = await memory.get(resolved.storeKey);
      await memory.remove(resolved.storeKey, { expected: stored?.revision ?? 0 });
      const commit = watched(reservation.commit());
      await pass(5_000);
      expect(commit.state()).toBe("waiting");
      isKnown = true;
      if (isCleared) epoch += 1;
      await pass(1_000);
      expect(await commit.promise).toEqual({ commit: isCleared ? "superseded" : "adopted" });
    }
  });

  it.each([1_000, 2_000, 5_000, 7_500, 30_000])(
    "survives a cut of 200 ms at any time, with a lease of %i ms",
    async (leaseMs) => {
      for (let cutAtMs = 0; cutAtMs <= 2 * leaseMs; cutAtMs += leaseMs / 20) {
        const { pass, replica } = world();
        const { dedup, store } = replica("a", { leaseMs });
        const reservation = await unseen(dedup.reserve(event));
        await pass(cutAtMs);
        // Requests sent during the cut get no answer before the client's own timeout.
        store.breakDown(silence);
        await pass(200);
        store.heal();
        await pass(3 * leaseMs);
        expect(reservation.signal.aborted, `a cut after ${cutAtMs} ms`).toBe(false);
        expect(await reservation.commit()).toEqual({ commit: "confirmed" });
      }
    },
  );

  it("is reported as superseded by guard, too", async () => {
    const { pass, replica } = world();
    const [a, b] = [replica("a", { renew: false }), replica("b")];
    const work = task();
    const outcome = a.dedup.guard(event, work.handler);
    await pass(LEASE_MS + SKEW_MS);
    await commitEvent(b);
    work.succeed("late");
    expect(await outcome).toEqual({ outcome: "dispatched", key: resolved.key, value: "late", commit: "superseded" });
  });

  it("G5 does not renew a later holder's reservation", async () => {
    const w = world();
    const clock = new BlockableClock(w.clock);
    const [a, b] = [w.replica("a", { clock }), w.replica("b")];
    await unseen(a.dedup.reserve(event));
    await w.pass(1);
    clock.block();
    await w.pass(LEASE_MS + SKEW_MS);
    const later = await unseen(b.dedup.reserve(event));
    const stored = await w.memory.get(resolved.storeKey);
    clock.unblock();
    await w.pass(1);
    expect(await w.memory.get(resolved.storeKey)).toEqual(stored);
    expect(later.signal.aborted).toBe(false);
  });

  it("is superseded by a later delivery in the same process", async () => {
    const { pass, replica } = world();
    const { dedup } = replica("a", { renew: false });
    const late = await unseen(dedup.reserve(event));
    await pass(LEASE_MS);
    await pending(dedup.reserve(event));
    await pass(SKEW_MS);
    const later = await unseen(dedup.reserve(event));
    expect(await late.commit()).toEqual({ commit: "superseded" });
    await pending(dedup.reserve(event));
    expect(await later.commit()).toEqual({ commit: "confirmed" });
  });
});

describe("G4 a crashed holder", () => {
  it("holds the key until its lease and the skew have ended, and no longer", async () => {
    const { pass, replica, memory } = world();
    const crashed = replica("a", { renew: false });
    const { fence } = await unseen(crashed.dedup.reserve(event));
    const b = replica("b");
    await pass(LEASE_MS + SKEW_MS - 1);
    await pending(b.dedup.reserve(event));
    await pass(1);
    await commitEvent(b);
    expect((await memory.get(resolved.storeKey))?.record).toMatchObject({ state: "committed", tookOverFrom: fence });
  });

  it("is not named by the record of a reservation that followed its release", async () => {
    const { pass, replica, memory } = world();
    const released = await unseen(replica("a").dedup.reserve(event));
    const b = replica("b");
    await pending(b.dedup.reserve(event));
    await released.release();
    await pass(2 * LEASE_MS);
    await commitEvent(b);
    expect((await memory.get(resolved.storeKey))?.record).not.toHaveProperty("tookOverFrom");
  });

  it("is replaced after `retryAfterMs` at the latest", async () => {
    const { pass, replica } = world();
    await unseen(replica("a", { renew: false }).dedup.reserve(event));
    const b = replica("b");
    await pass(7_777);
    const { retryAfterMs, owner } = await pending(b.dedup.reserve(event));
    expect(owner).toBe("a");
    expect(retryAfterMs).toBeGreaterThanOrEqual(LEASE_MS + SKEW_MS - 7_777);
    expect(retryAfterMs).toBeLessThanOrEqual(LEASE_MS + SKEW_MS);
    await pass(retryAfterMs);
    await commitEvent(b);
  });

  it.each([-3_600_000, 3_600_000])("is replaced in time even if the wall clocks differ by %i ms", async (apartMs) => {
    const w = world();
    const clock: Clock = {
      monotonicMs: () => w.clock.monotonicMs(),
      wallMs: () => w.clock.wallMs() + apartMs,
      schedule: (delayMs, run) => w.clock.schedule(delayMs, run),
    };
    const [a, b] = [w.replica("a", { renew: false }), w.replica("b", { clock })];
    await unseen(a.dedup.reserve(event));
    const { retryAfterMs } = await pending(b.dedup.reserve(event));
    expect(retryAfterMs).toBeGreaterThanOrEqual(1_000);
    expect(retryAfterMs).toBeLessThanOrEqual(LEASE_MS + SKEW_MS + 1_000);
    await w.pass(LEASE_MS + SKEW_MS - 1);
    await pending(b.dedup.reserve(event));
    await w.pass(1);
    await commitEvent(b);
  });
});
