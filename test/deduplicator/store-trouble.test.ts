import { describe, expect, it } from "vitest";
import { isStoreUnavailable } from "../../src/errors.ts";
import type { MemoryStore } from "../../src/stores/memory-store.ts";
import {
  answering,
  answerLost,
  type CallFault,
  held,
  landsLate,
  outage,
  refusedByAnother,
  silence,
  throwing,
  writeLost,
} from "../support/faulty-store.ts";
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
  WINDOW_MS,
  world,
} from "../support/replicas.ts";

const away = { name: "StoreUnavailableError", code: "store-unavailable" };
const wait = { onPending: "wait" } as const;

describe("a claim", () => {
  it("rejects immediately when the store is unavailable: nothing is dispatched or written", async () => {
    const { clock, memory, replica } = world();
    const { dedup, steps, store, trail } = replica("a");
    store.breakDown(outage);
    const work = task();
    const refused = dedup.guard(event, work.handler);
    await expect(refused).rejects.toMatchObject({ ...away, ambiguous: false });
    expect(work.runs()).toBe(0);
    expect(store.calls).toHaveLength(1);
    expect(trail()).toEqual(["store-unavailable"]);
    expect(steps[0]).toMatchObject({ ambiguous: false, error: await refused.catch((error: unknown) => error) });
    expect(await memory.get(resolved.storeKey)).toBeUndefined();
    expect(clock.timers).toBe(0);
    store.heal();
    await unseen(dedup.reserve(event));
  });

  it("rejects when the store becomes unavailable for the read after a conflict", async () => {
    const { replica } = world();
    const b = replica("b", { onStoreUnavailable: "dispatch" });
    await unseen(replica("a").dedup.reserve(event));
    b.store.script("put", answering({ ok: false }));
    b.store.script("get", outage);
    await expect(b.dedup.reserve(event)).rejects.toMatchObject({ ...away, ambiguous: false });
  });

  it.each([
    ["is lost", writeLost],
    ["gets no answer", silence],
  ])("rejects without ambiguity when the read after a conflict %s", async (_, fault) => {
    const { pass, replica } = world();
    const b = replica("b", { onStoreUnavailable: "dispatch" });
    await unseen(replica("a").dedup.reserve(event));
    b.store.script("put", answering({ ok: false }));
    b.store.script("get", fault);
    const refused = expect(b.dedup.reserve(event)).rejects.toMatchObject(away);
    await pass(LEASE_MS);
    await refused;
    expect(b.store.calls.map(({ method }) => method)).toEqual(["put", "get"]);
    expect(b.steps).toMatchObject([{ type: "store-unavailable", ambiguous: false }]);
  });

  it("reads the key when a conflict does not contain the record", async () => {
    const { memory, replica } = world();
    const put: MemoryStore["put"] = async (key, record, how) => {
      const answer = await memory.put(key, record, how);
      return answer.ok ? answer : { ok: false };
    };
    const [a, b] = [replica("a"), replica("b", { store: { ...memory, put } })];
    const reservation = await unseen(a.dedup.reserve(event));
    expect(await pending(b.dedup.reserve(event))).toMatchObject({ owner: "a" });
    await reservation.commit();
    await duplicate(b.dedup.reserve(event));
  });

  it("G9 F11 recognises its own write after a lost answer, and keeps that write's fence", async () => {
    const { clock, memory, pass, replica } = world();
    const a = replica("a", { renew: false });
    a.store.script("put", answerLost);
    const decision = a.dedup.reserve(event);
    await pass(50);
    const reservation = await unseen(decision);
    expect(reservation.fence).toBe(1);
    expect(await memory.get(resolved.storeKey)).toMatchObject({ revision: 1, record: { token: "token-1" } });
    expect(a.store.calls).toMatchObject([
      { method: "put", atMs: 0, expected: 0, record: { token: "token-1" } },
      { method: "put", atMs: 50, expected: 0, record: { token: "token-1" } },
    ]);
    expect(a.trail()).toEqual(["store-unavailable", "reserved"]);
    // The lease starts at the first write.
    await pass(LEASE_MS - 51);
    expect(reservation.signal.aborted).toBe(false);
    await pass(1);
    expect(reservation.signal.aborted).toBe(true);
    expect(clock.timers).toBe(0);
  });

  it("G9 repeats a lost write unchanged", async () => {
    const { pass, replica } = world();
    const { dedup, store } = replica("a");
    store.script("put", writeLost, writeLost, writeLost);
    const decision = dedup.reserve(event);
    await pass(350);
    const reservation = await unseen(decision);
    expect(store.calls).toMatchObject(
      [0, 50, 150, 350].map((atMs) => ({ method: "put", atMs, expected: 0, record: { token: "token-1" } })),
    );
    expect(await reservation.commit()).toEqual({ commit: "confirmed" });
  });

  it("G9 recognises its own write even after several lost answers", async () => {
    const { pass, replica } = world();
    const { dedup, store } = replica("a");
    store.script("put", answerLost, writeLost, outage, answerLost);
    const decision = dedup.reserve(event);
    await pass(5_000);
    expect(await unseen(decision)).toMatchObject({ fence: 1 });
  });

  it("G9 rejects as ambiguous after half a lease without an answer, and dispatches nothing", async () => {
    const { clock, pass, replica } = world();
    const { dedup, store } = replica("a");
    store.script("put", answerLost);
    store.breakDown(outage);
    const work = task();
    const refused = dedup.guard(event, work.handler);
    const settled = expect(refused).rejects.toMatchObject({ ...away, ambiguous: true, cause: away });
    await pass(LEASE_MS / 2);
    await settled;
    expect(work.runs()).toBe(0);
    expect(clock.timers).toBe(0);
    // The written reservation expires.
    const b = replica("b");
    await pending(b.dedup.reserve(event));
    await pass(LEASE_MS + SKEW_MS);
    await commitEvent(b);
  });

  it("G9 is pending when the retry finds another holder", async () => {
    const { pass, replica } = world();
    const [a, b] = [replica("a"), replica("b")];
    a.store.script("put", writeLost);
    const decision = a.dedup.reserve(event);
    await pass(10);
    await unseen(b.dedup.reserve(event));
    await pass(40);
    expect(await pending(decision)).toMatchObject({ owner: "b" });
  });

  it("G9 is a duplicate when the retry finds a commit", async () => {
    const { pass, replica } = world();
    const [a, b] = [replica("a"), replica("b")];
    a.store.script("put", writeLost);
    const decision = a.dedup.reserve(event);
    await pass(10);
    await commitEvent(b);
    await pass(40);
    await duplicate(decision);
  });

  it("G1 changes nothing when its write lands late, under a later holder", async () => {
    const { memory, pass, replica } = world();
    const [a, b] = [replica("a"), replica("b")];
    const late = landsLate();
    a.store.script("put", late.fault);
    const decision = a.dedup.reserve(event);
    await pass(10);
    const reservation = await unseen(b.dedup.reserve(event));
    await pass(40);
    await pending(decision);
    const stored = await memory.get(resolved.storeKey);
    await late.go();
    expect(await memory.get(resolved.storeKey)).toEqual(stored);
    expect(await reservation.commit()).toEqual({ commit: "confirmed" });
    await duplicate(a.dedup.reserve(event));
  });

  it("G1 makes no second holder when its write lands after its own retry", async () => {
    const { memory, pass, replica } = world();
    const a = replica("a");
    const late = landsLate();
    a.store.script("put", late.fault);
    const decision = a.dedup.reserve(event);
    await pass(50);
    const reservation = await unseen(decision);
    const stored = await memory.get(resolved.storeKey);
    await late.go();
    expect(await memory.get(resolved.storeKey)).toEqual(stored);
    expect(await reservation.commit()).toEqual({ commit: "confirmed" });
  });

  it("G4 delays the next holder by at most one lease when its write lands on a free key", async () => {
    const { pass, replica } = world();
    const [a, b] = [replica("a"), replica("b")];
    const late = landsLate();
    a.store.script("put", late.fault);
    const decision = a.dedup.reserve(event);
    await pass(50);
    await (await unseen(decision)).release();
    await late.go();
    await pending(b.dedup.reserve(event));
    await pass(LEASE_MS + SKEW_MS);
    await commitEvent(b);
  });
});

describe("a commit", () => {
  it.each([
    ["was applied without an answer", answerLost],
    ["was lost", writeLost],
    ["was refused once", outage],
  ])("G9 is confirmed when its write %s", async (_, fault) => {
    const { clock, memory, pass, replica } = world();
    const [a, b] = [replica("a"), replica("b")];
    const reservation = await unseen(a.dedup.reserve(event));
    a.store.script("put", fault);
    const commit = reservation.commit();
    await pass(50);
    expect(await commit).toEqual({ commit: "confirmed" });
    expect(a.trail()).toEqual(["reserved", "dispatched", "store-unavailable", "committed"]);
    expect(await memory.get(resolved.storeKey)).toMatchObject({
      revision: 2,
      record: { state: "committed", token: "token-1" },
    });
    await duplicate(b.dedup.reserve(event));
    expect(clock.timers).toBe(0);
  });

  it("G9 is unconfirmed after a lease without an answer: guard does not throw and returns the value", async () => {
    const { clock, pass, replica } = world();
    const a = replica("a");
    const work = task();
    const outcome = a.dedup.guard(event, work.handler);
    await work.reservation;
    a.store.breakDown(outage);
    work.succeed("done");
    await pass(LEASE_MS);
    expect(await outcome).toEqual({
      outcome: "dispatched",
      key: resolved.key,
      value: "done",
      commit: "unconfirmed",
    });
    expect(a.trail().filter((type) => type !== "store-unavailable")).toEqual(["reserved", "dispatched", "unconfirmed"]);
    expect(a.steps.at(-1)).toMatchObject({ type: "unconfirmed", error: away });
    expect(clock.timers).toBe(0);
  });

  const breaches: ReadonlyArray<readonly [string, CallFault]> = [
    ["answers undefined", answering(undefined)],
    ["answers a string", answering("OK")],
    ["answers without a revision", answering({ ok: true })],
    ["throws an error", throwing(new Error("broken"))],
    ["throws a value that is no error", throwing(null)],
  ];

  it.each(breaches)("F10 never rejects, even when the store %s", async (_, fault) => {
    const { pass, replica } = world();
    const a = replica("a");
    const work = task();
    const outcome = a.dedup.guard(event, work.handler);
    await work.reservation;
    a.store.breakDown(fault, ["put"]);
    work.succeed("done");
    await pass(LEASE_MS);
    expect(await outcome).toMatchObject({ outcome: "dispatched", value: "done", commit: "unconfirmed" });
  });

  it("F10 is never treated as a failed dispatch when it fails: the key is not released", async () => {
    const { pass, replica } = world();
    const [a, b] = [replica("a"), replica("b")];
    const reservation = await unseen(a.dedup.reserve(event));
    a.store.breakDown(outage, ["put"]);
    const commit = reservation.commit();
    await pass(1_000);
    await pending(b.dedup.reserve(event));
    await pass(LEASE_MS);
    expect(await commit).toEqual({ commit: "unconfirmed" });
    expect(a.store.calls.filter(({ method }) => method === "remove")).toEqual([]);
  });

  it("G9 is confirmed when the store recovers in time, after retries at most a second apart", async () => {
    const { pass, replica } = world();
    const a = replica("a");
    const reservation = await unseen(a.dedup.reserve(event));
    a.store.breakDown(writeLost);
    const commit = reservation.commit();
    await pass(5_000);
    a.store.heal();
    await pass(1_000);
    expect(await commit).toEqual({ commit: "confirmed" });
    const sent = a.store.calls.flatMap(({ method, atMs }) => (method === "put" ? [atMs] : [])).slice(1);
    expect(sent).toEqual([0, 50, 150, 350, 750, 1_550, 2_550, 3_550, 4_550, 5_550]);
  });

  it("G9 is superseded when another replica takes the key during its retries", async () => {
    const { pass, replica } = world();
    const [a, b] = [replica("a", { renew: false }), replica("b")];
    const reservation = await unseen(a.dedup.reserve(event));
    await pass(LEASE_MS - 5_000);
    a.store.breakDown(outage);
    const commit = reservation.commit();
    await pass(5_000 + SKEW_MS);
    const later = await unseen(b.dedup.reserve(event));
    a.store.heal();
    await pass(1_000);
    expect(await commit).toEqual({ commit: "superseded" });
    expect(await later.commit()).toEqual({ commit: "confirmed" });
  });

  it("G8 is adopted when the reservation ends during its retries", async () => {
    const { pass, replica } = world();
    const a = replica("a", { renew: false });
    const reservation = await unseen(a.dedup.reserve(event));
    await pass(LEASE_MS - 5_000);
    a.store.breakDown(outage);
    const commit = reservation.commit();
    await pass(5_000 + SKEW_MS);
    a.store.heal();
    await pass(1_000);
    expect(await commit).toEqual({ commit: "adopted" });
    await duplicate(a.dedup.reserve(event));
  });

  it("G9 is adopted when its write is lost after the lease ended", async () => {
    const { pass, replica } = world();
    const a = replica("a", { renew: false });
    const reservation = await unseen(a.dedup.reserve(event));
    await pass(LEASE_MS + SKEW_MS);
    a.store.script("put", answerLost, outage, answerLost, writeLost);
    const commit = reservation.commit();
    await pass(5_000);
    expect(await commit).toEqual({ commit: "adopted" });
    await duplicate(a.dedup.reserve(event));
  });

  it("G5 changes nothing when its write lands late, under a later holder", async () => {
    const { memory, pass, replica } = world();
    const [a, b] = [replica("a", { renew: false }), replica("b")];
    const reservation = await unseen(a.dedup.reserve(event));
    const late = landsLate();
    a.store.script("put", late.fault);
    a.store.breakDown(outage);
    const commit = reservation.commit();
    await pass(LEASE_MS);
    expect(await commit).toEqual({ commit: "unconfirmed" });
    await pass(SKEW_MS);
    const later = await unseen(b.dedup.reserve(event));
    const stored = await memory.get(resolved.storeKey);
    await late.go();
    expect(await memory.get(resolved.storeKey)).toEqual(stored);
    expect(await later.commit()).toEqual({ commit: "confirmed" });
  });

  it("G9 makes the event a duplicate when its write lands late, under its own reservation", async () => {
    const { pass, replica } = world();
    const [a, b] = [replica("a", { leaseMs: 1_000, skewMs: 60_000, renew: false }), replica("b")];
    const reservation = await unseen(a.dedup.reserve(event));
    const late = landsLate();
    a.store.script("put", late.fault);
    a.store.breakDown(outage);
    const commit = reservation.commit();
    await pass(1_000);
    expect(await commit).toEqual({ commit: "unconfirmed" });
    await late.go();
    await duplicate(b.dedup.reserve(event));
  });

  it("G9 is confirmed when an in-flight renewal is applied before it", async () => {
    const { memory, pass, replica } = world();
    const a = replica("a");
    const reservation = await unseen(a.dedup.reserve(event));
    const late = landsLate();
    a.store.script("put", late.fault);
    await pass(LEASE_MS / 3);
    await late.go();
    expect((await memory.get(resolved.storeKey))?.revision).toBe(2);
    expect(await reservation.commit()).toEqual({ commit: "confirmed" });
    expect(await memory.get(resolved.storeKey)).toMatchObject({ revision: 3, record: { state: "committed" } });
  });

  it("G9 stays in the store when an in-flight renewal is applied after it", async () => {
    const { memory, pass, replica } = world();
    const a = replica("a");
    const reservation = await unseen(a.dedup.reserve(event));
    const late = landsLate();
    a.store.script("put", late.fault);
    await pass(LEASE_MS / 3);
    expect(await reservation.commit()).toEqual({ commit: "confirmed" });
    await late.go();
    expect(await memory.get(resolved.storeKey)).toMatchObject({ record: { state: "committed" } });
    await duplicate(a.dedup.reserve(event));
  });
});

describe("a release", () => {
  it.each([
    ["was applied without an answer", answerLost, undefined],
    ["was lost", writeLost, "reserved"],
    ["was refused", outage, "reserved"],
  ] as const)("G9 is not reported as done when its removal %s", async (_, fault, left) => {
    const { clock, memory, pass, replica } = world();
    const [a, b] = [replica("a"), replica("b")];
    const reservation = await unseen(a.dedup.reserve(event));
    a.store.script("remove", fault);
    await reservation.release();
    expect(a.steps.at(-1)).toMatchObject({ type: "released", left: "reservation" });
    expect((await memory.get(resolved.storeKey))?.record.state).toBe(left);
    expect(clock.timers).toBe(0);
    await pass(LEASE_MS + SKEW_MS);
    await commitEvent(b);
  });

  it("G9 removes the record of a renewal whose answer is lost", async () => {
    const { memory, pass, replica } = world();
    const a = replica("a");
    const reservation = await unseen(a.dedup.reserve(event));
    a.store.script("put", answerLost);
    await pass(LEASE_MS / 3);
    await reservation.release();
    expect(a.steps.at(-1)).toMatchObject({ type: "released", left: "nothing" });
    expect(await memory.get(resolved.storeKey)).toBeUndefined();
  });

  it("G5 changes nothing when it lands late, under a later holder", async () => {
    const { memory, pass, replica } = world();
    const [a, b] = [replica("a"), replica("b")];
    const reservation = await unseen(a.dedup.reserve(event));
    const late = landsLate();
    a.store.script("remove", late.fault);
    await reservation.release();
    await pass(LEASE_MS + SKEW_MS);
    const later = await unseen(b.dedup.reserve(event));
    const stored = await memory.get(resolved.storeKey);
    await late.go();
    expect(await memory.get(resolved.storeKey)).toEqual(stored);
    expect(await later.commit()).toEqual({ commit: "confirmed" });
  });
});

describe("G10 a stale read", () => {
  it("causes a retry, not a reservation, when it shows no record", async () => {
    const { replica } = world();
    const [a, b] = [replica("a"), replica("b")];
    await unseen(a.dedup.reserve(event));
    b.store.script("put", answering({ ok: false }), answering({ ok: false }));
    b.store.script("get", answering(undefined), answering(undefined));
    expect(await pending(b.dedup.reserve(event))).toMatchObject({ owner: "a" });
    expect(b.store.calls.map(({ method }) => method)).toEqual(["put", "get", "put", "get", "put"]);
  });

  it("returns pending when it shows no record on every retry: nothing is dispatched", async () => {
    const { clock, replica } = world();
    const [a, b] = [replica("a"), replica("b")];
    await commitEvent(a);
    b.store.breakDown(answering({ ok: false }), ["put"]);
    b.store.breakDown(answering(undefined), ["get"]);
    const { retryAfterMs, owner } = await pending(b.dedup.reserve(event));
    expect(owner).toBe("b");
    expect(retryAfterMs).toBeGreaterThan(0);
    expect(retryAfterMs).toBeLessThanOrEqual(1_000);
    expect(b.store.calls.length).toBeLessThan(20);
    expect(clock.timers).toBe(0);
  });

  it("returns pending when it shows a reservation that was committed since", async () => {
    const { memory, replica } = world();
    const [a, b] = [replica("a"), replica("b")];
    const reservation = await unseen(a.dedup.reserve(event));
    const old = await memory.get(resolved.storeKey);
    await reservation.commit();
    b.store.script("put", answering({ ok: false, current: old }));
    await pending(b.dedup.reserve(event));
    await duplicate(b.dedup.reserve(event));
  });

  it("does not replace the current reservation when it shows an old one that looks expired", async () => {
    const { memory, pass, replica } = world();
    const [a, b] = [replica("a"), replica("b")];
    const reservation = await unseen(a.dedup.reserve(event));
    const old = await memory.get(resolved.storeKey);
    b.store.script("put", answering({ ok: false, current: old }));
    await pending(b.dedup.reserve(event));
    await pass(2 * LEASE_MS);
    // The holder has renewed. The old record is returned again and looks expired.
    b.store.script("put", answering({ ok: false, current: old }));
    expect(await pending(b.dedup.reserve(event))).toMatchObject({ owner: "a" });
    expect(reservation.signal.aborted).toBe(false);
    expect(await reservation.commit()).toEqual({ commit: "confirmed" });
  });

  it("causes a retry when it shows our own older record at a commit", async () => {
    const { memory, pass, replica } = world();
    const a = replica("a");
    const reservation = await unseen(a.dedup.reserve(event));
    const old = await memory.get(resolved.storeKey);
    await pass(LEASE_MS / 3);
    a.store.script("put", answering({ ok: false, current: old }));
    const commit = reservation.commit();
    await pass(50);
    expect(await commit).toEqual({ commit: "confirmed" });
  });

  it("causes a retry when it shows our own older record at a renewal", async () => {
    const { memory, pass, replica } = world();
    const a = replica("a");
    const reservation = await unseen(a.dedup.reserve(event));
    const old = await memory.get(resolved.storeKey);
    await pass(LEASE_MS / 3);
    a.store.script("put", answering({ ok: false, current: old }));
    await pass(2 * LEASE_MS);
    expect(reservation.signal.aborted).toBe(false);
    expect(await reservation.commit()).toEqual({ commit: "confirmed" });
  });

  it.each(["reservation", "commit"] as const)("causes a retry when it shows a %s from before ours", async (before) => {
    const { memory, pass, replica } = world();
    const [a, b] = [replica("a", { renew: false }), replica("b")];
    const first = await unseen(a.dedup.reserve(event));
    if (before === "commit") await first.commit();
    const old = await memory.get(resolved.storeKey);
    await pass(before === "commit" ? WINDOW_MS : LEASE_MS + SKEW_MS);
    const reservation = await unseen(b.dedup.reserve(event));
    const outdated = answering({ ok: false, current: old });

    b.store.script("put", outdated);
    await pass(2 * LEASE_MS);
    expect(reservation.signal.aborted).toBe(false);
    b.store.script("put", outdated);
    const commit = reservation.commit();
    await pass(50);
    expect(await commit).toEqual({ commit: "confirmed" });
  });

  it("leaves the reservation to expire when it shows an earlier one at a release", async () => {
    const { memory, pass, replica } = world();
    const [a, b] = [replica("a", { renew: false }), replica("b")];
    await unseen(a.dedup.reserve(event));
    const old = await memory.get(resolved.storeKey);
    await pass(LEASE_MS + SKEW_MS);
    const reservation = await unseen(b.dedup.reserve(event));
    b.store.script("remove", answering({ ok: false, current: old }));
    await reservation.release();
    expect(b.steps.at(-1)).toMatchObject({ type: "released", left: "reservation" });
  });

  it("causes a retry when it shows no record at an adopted commit", async () => {
    const { pass, replica } = world();
    const [a, b] = [replica("a", { renew: false }), replica("b")];
    const reservation = await unseen(a.dedup.reserve(event));
    await pass(LEASE_MS + SKEW_MS);
    await unseen(b.dedup.reserve(event));
    a.store.script("put", answering({ ok: false }), answering({ ok: false }));
    a.store.script("get", answering(undefined), answering(undefined));
    const commit = reservation.commit();
    await pass(1_000);
    expect(await commit).toEqual({ commit: "superseded" });
  });
});

describe("a false conflict from a former leader, whose successor applied the write,", () => {
  it("is recognised at a claim as our own write", async () => {
    const { replica } = world();
    const a = replica("a");
    a.store.script("put", refusedByAnother);
    const reservation = await unseen(a.dedup.reserve(event));
    expect(await reservation.commit()).toEqual({ commit: "confirmed" });
  });

  it("makes a claim pending if the write lands after the read, and the key is free when that write expires", async () => {
    const { pass, replica } = world();
    const a = replica("a");
    const late = held();
    a.store.script("put", (apply) => {
      void late.fault(apply);
      return Promise.resolve({ ok: false });
    });
    a.store.script("get", async () => {
      await late.go();
      return undefined;
    });
    await pending(a.dedup.reserve(event));
    await pass(LEASE_MS + SKEW_MS);
    await unseen(a.dedup.reserve(event));
  });

  it("is recognised at a renewal, whose lease starts when it was sent", async () => {
    const { pass, replica } = world();
    const a = replica("a");
    const reservation = await unseen(a.dedup.reserve(event));
    a.store.script("put", refusedByAnother);
    await pass(3 * LEASE_MS);
    expect(reservation.signal.aborted).toBe(false);
    expect(await reservation.commit()).toEqual({ commit: "confirmed" });
  });

  it("is recognised at a commit", async () => {
    const { replica } = world();
    const a = replica("a");
    const reservation = await unseen(a.dedup.reserve(event));
    a.store.script("put", refusedByAnother);
    expect(await reservation.commit()).toEqual({ commit: "confirmed" });
    await duplicate(replica("b").dedup.reserve(event));
  });

  it("is recognised at a commit whose write lands after the read", async () => {
    const { pass, replica } = world();
    const a = replica("a");
    const reservation = await unseen(a.dedup.reserve(event));
    const late = held();
    a.store.script("put", (apply) => {
      void late.fault(apply);
      return Promise.resolve({ ok: false });
    });
    const commit = reservation.commit();
    await pass(10);
    await late.go();
    await pass(1_000);
    expect(await commit).toEqual({ commit: "confirmed" });
  });

  it("does not prevent a release", async () => {
    const { replica } = world();
    const a = replica("a");
    const reservation = await unseen(a.dedup.reserve(event));
    a.store.script("remove", refusedByAnother);
    await reservation.release();
    await unseen(replica("b").dedup.reserve(event));
  });
});

describe("a store that loses acknowledged writes", () => {
  it("F16 aborts the holder of a lost reservation at the next renewal, and adopts its commit", async () => {
    const { pass, replica } = world();
    const a = replica("a");
    const reservation = await unseen(a.dedup.reserve(event));
    await a.store.forget(resolved.storeKey);
    await pass(LEASE_MS / 3);
    expect(reservation.signal.reason).toMatchObject({ reason: "superseded" });
    expect(await reservation.commit()).toEqual({ commit: "adopted" });
    await duplicate(a.dedup.reserve(event));
  });

  it("F16 makes the event of a lost commit unseen again, with a higher fence", async () => {
    const { replica } = world();
    const [a, b] = [replica("a"), replica("b")];
    const first = await unseen(a.dedup.reserve(event));
    await first.commit();
    await a.store.forget(resolved.storeKey);
    expect((await unseen(b.dedup.reserve(event))).fence).toBeGreaterThan(first.fence);
  });
});

describe("F15 a store that never expires a key", () => {
  const immortal = (memory: MemoryStore): MemoryStore => ({
    ...memory,
    put: (key, record, how) => memory.put(key, record, { ...how, ttlMs: WINDOW_MS }),
  });

  it("lets a replica take over exactly when it has seen no change for the lease and the skew", async () => {
    const { memory, pass, replica } = world();
    const store = immortal(memory);
    const [a, b] = [replica("a", { store, renew: false }), replica("b", { store })];
    const crashed = await unseen(a.dedup.reserve(event));
    await pass(20_000);
    await pending(b.dedup.reserve(event));
    await pass(LEASE_MS + SKEW_MS - 1);
    await pending(b.dedup.reserve(event));
    await pass(1);
    const reservation = await unseen(b.dedup.reserve(event));
    expect(reservation).toMatchObject({ attempt: 2, owner: "b" });
    expect(reservation.fence).toBeGreaterThan(crashed.fence);
    expect(await crashed.commit()).toEqual({ commit: "superseded" });
  });

  it("does not let a replica take over a renewed reservation", async () => {
    const { memory, pass, replica } = world();
    const store = immortal(memory);
    const [a, b] = [replica("a", { store }), replica("b", { store })];
    const reservation = await unseen(a.dedup.reserve(event));
    for (let passedMs = 0; passedMs < 4 * LEASE_MS; passedMs += 1_000) {
      await pass(1_000);
      await pending(b.dedup.reserve(event));
    }
    expect(reservation.signal.aborted).toBe(false);
  });

  it("lets only one of two waiting replicas take over", async () => {
    const { memory, pass, replica } = world();
    const store = immortal(memory);
    const [a, b, c] = [replica("a", { store, renew: false }), replica("b", { store }), replica("c", { store })];
    await unseen(a.dedup.reserve(event));
    const both = [b.dedup.reserve(event, wait), c.dedup.reserve(event, wait)];
    await pass(LEASE_MS + SKEW_MS + 1_000);
    const winner = await unseen(Promise.race(both));
    expect(winner.attempt).toBe(2);
    await winner.commit();
    await pass(1_000);
    expect((await Promise.all(both)).map(({ decision }) => decision).sort()).toEqual(["duplicate", "unseen"]);
  });
});

describe("a listener for store failures", () => {
  it.each(["release", "commit"] as const)("may %s at once, even if the store never answers", async (end) => {
    const { clock, pass, replica } = world();
    const { dedup, store, trail } = replica("a");
    const reservation = await unseen(dedup.reserve(event));
    const ended: Array<Promise<unknown>> = [];
    dedup.subscribe(({ type }) => {
      if (type === "store-unavailable" && ended.length === 0) ended.push(reservation[end]());
    });
    store.script("put", outage);
    store.breakDown(silence);
    await pass(LEASE_MS / 3);
    expect(trail().slice(0, 2)).toEqual(["reserved", "store-unavailable"]);
    await pass(3 * LEASE_MS);
    expect(trail().at(-1)).toBe(end === "release" ? "released" : "unconfirmed");
    await Promise.all(ended);
    expect(clock.timers).toBe(0);
  });
});

describe("claims that time out at the same moment", () => {
  it("each reject with a StoreUnavailableError, however many there are", async () => {
    const { pass, replica } = world();
    const { dedup, store } = replica("a");
    store.breakDown(silence);
    const claims = Promise.allSettled(
      Array.from({ length: 5_000 }, (_, index) => dedup.reserve({ subscriptionId: "s", eventId: String(index) })),
    );
    await pass(2 * LEASE_MS);
    const others = (await claims).filter((claim) => claim.status === "fulfilled" || !isStoreUnavailable(claim.reason));
    expect(others).toEqual([]);
  });
});
