import { describe, expect, it } from "vitest";
import type { MemoryStore } from "../../src/stores/memory-store.ts";
import {
  answering,
  answerLost,
  type Fault,
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
  it("is refused at once when the store is away: nothing is dispatched and nothing stands", async () => {
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

  it("is refused when the store, asked who has the key, is away", async () => {
    const { replica } = world();
    const b = replica("b", { onStoreUnavailable: "dispatch" });
    await unseen(replica("a").dedup.reserve(event));
    b.store.script("put", answering({ ok: false }));
    b.store.script("get", outage);
    await expect(b.dedup.reserve(event)).rejects.toMatchObject({ ...away, ambiguous: false });
  });

  it.each([
    ["does not answer", writeLost],
    ["never answers", silence],
  ])("is refused when the store, asked who has the key, %s: a read leaves nothing in doubt", async (_, fault) => {
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

  it("asks who has the key where a conflict does not say it", async () => {
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

  it("G9 F11 that was applied and not answered is recognised: the key is ours, with the fence of that write", async () => {
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
    // The lease counts from the first write.
    await pass(LEASE_MS - 51);
    expect(reservation.signal.aborted).toBe(false);
    await pass(1);
    expect(reservation.signal.aborted).toBe(true);
    expect(clock.timers).toBe(0);
  });

  it("G9 that was lost is repeated as the same write", async () => {
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

  it("G9 that was applied, and whose answers stay away for a while, is recognised in the end", async () => {
    const { pass, replica } = world();
    const { dedup, store } = replica("a");
    store.script("put", answerLost, writeLost, outage, answerLost);
    const decision = dedup.reserve(event);
    await pass(5_000);
    expect(await unseen(decision)).toMatchObject({ fence: 1 });
  });

  it("G9 that stays in doubt for half a lease is refused: nobody knows, and nothing is dispatched", async () => {
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
    // What was reserved ends by itself.
    const b = replica("b");
    await pending(b.dedup.reserve(event));
    await pass(LEASE_MS + SKEW_MS);
    await commitEvent(b);
  });

  it("G9 in doubt that finds another holder is pending", async () => {
    const { pass, replica } = world();
    const [a, b] = [replica("a"), replica("b")];
    a.store.script("put", writeLost);
    const decision = a.dedup.reserve(event);
    await pass(10);
    await unseen(b.dedup.reserve(event));
    await pass(40);
    expect(await pending(decision)).toMatchObject({ owner: "b" });
  });

  it("G9 in doubt that finds a commit is a duplicate", async () => {
    const { pass, replica } = world();
    const [a, b] = [replica("a"), replica("b")];
    a.store.script("put", writeLost);
    const decision = a.dedup.reserve(event);
    await pass(10);
    await commitEvent(b);
    await pass(40);
    await duplicate(decision);
  });

  it("G1 that lands late, under a later holder, changes nothing", async () => {
    const { memory, pass, replica } = world();
    const [a, b] = [replica("a"), replica("b")];
    const late = landsLate();
    a.store.script("put", late.fault);
    const decision = a.dedup.reserve(event);
    await pass(10);
    const reservation = await unseen(b.dedup.reserve(event));
    await pass(40);
    await pending(decision);
    const standing = await memory.get(resolved.storeKey);
    await late.go();
    expect(await memory.get(resolved.storeKey)).toEqual(standing);
    expect(await reservation.commit()).toEqual({ commit: "confirmed" });
    await duplicate(a.dedup.reserve(event));
  });

  it("G1 that lands late, after its own repetition, makes no second holder", async () => {
    const { memory, pass, replica } = world();
    const a = replica("a");
    const late = landsLate();
    a.store.script("put", late.fault);
    const decision = a.dedup.reserve(event);
    await pass(50);
    const reservation = await unseen(decision);
    const standing = await memory.get(resolved.storeKey);
    await late.go();
    expect(await memory.get(resolved.storeKey)).toEqual(standing);
    expect(await reservation.commit()).toEqual({ commit: "confirmed" });
  });

  it("G4 that lands late when nobody holds the key delays the next holder by a lease, no longer", async () => {
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
    ["was applied and not answered", answerLost],
    ["was lost", writeLost],
    ["was refused for a moment", outage],
  ])("G9 that %s is confirmed", async (_, fault) => {
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

  it("G9 that stays in doubt is unconfirmed after a lease: no error, and the handler's value is there", async () => {
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

  const breaches: ReadonlyArray<readonly [string, Fault]> = [
    ["answers nothing", answering(undefined)],
    ["answers a word", answering("OK")],
    ["answers without a revision", answering({ ok: true })],
    ["throws anything", throwing(new Error("broken"))],
    ["throws what is no error", throwing(null)],
  ];

  it.each(breaches)("F10 is never an error, even when the store %s", async (_, fault) => {
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

  it("F10 that fails is never taken for a failed dispatch: the key is not given back", async () => {
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

  it("G9 after which the store comes back in time is confirmed, and was repeated with pauses of at most a second", async () => {
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

  it("G9 which is repeated until another replica took the key is superseded", async () => {
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

  it("G8 which is repeated until the reservation has ended is adopted", async () => {
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

  it("G9 that is lost after the lease had ended is adopted all the same", async () => {
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

  it("G5 that lands late, under a later holder, changes nothing", async () => {
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
    const standing = await memory.get(resolved.storeKey);
    await late.go();
    expect(await memory.get(resolved.storeKey)).toEqual(standing);
    expect(await later.commit()).toEqual({ commit: "confirmed" });
  });

  it("G9 that lands late while its reservation stands makes the event a duplicate", async () => {
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

  it("G9 while a renewal is under way that is applied first is confirmed", async () => {
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

  it("G9 while a renewal is under way that is applied afterwards stands", async () => {
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
    ["was applied and not answered", answerLost, undefined],
    ["was lost", writeLost, "reserved"],
    ["was refused", outage, "reserved"],
  ] as const)("G9 that %s is not claimed to be done", async (_, fault, left) => {
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

  it("G9 after a renewal whose answer is lost removes what that renewal wrote", async () => {
    const { memory, pass, replica } = world();
    const a = replica("a");
    const reservation = await unseen(a.dedup.reserve(event));
    a.store.script("put", answerLost);
    await pass(LEASE_MS / 3);
    await reservation.release();
    expect(a.steps.at(-1)).toMatchObject({ type: "released", left: "nothing" });
    expect(await memory.get(resolved.storeKey)).toBeUndefined();
  });

  it("G5 that lands late, under a later holder, changes nothing", async () => {
    const { memory, pass, replica } = world();
    const [a, b] = [replica("a"), replica("b")];
    const reservation = await unseen(a.dedup.reserve(event));
    const late = landsLate();
    a.store.script("remove", late.fault);
    await reservation.release();
    await pass(LEASE_MS + SKEW_MS);
    const later = await unseen(b.dedup.reserve(event));
    const standing = await memory.get(resolved.storeKey);
    await late.go();
    expect(await memory.get(resolved.storeKey)).toEqual(standing);
    expect(await later.commit()).toEqual({ commit: "confirmed" });
  });
});

describe("G10 a stale read", () => {
  it("that shows nothing costs a retry, and makes no holder", async () => {
    const { replica } = world();
    const [a, b] = [replica("a"), replica("b")];
    await unseen(a.dedup.reserve(event));
    b.store.script("put", answering({ ok: false }), answering({ ok: false }));
    b.store.script("get", answering(undefined), answering(undefined));
    expect(await pending(b.dedup.reserve(event))).toMatchObject({ owner: "a" });
    expect(b.store.calls.map(({ method }) => method)).toEqual(["put", "get", "put", "get", "put"]);
  });

  it("that shows nothing for ever is pending: nobody dispatches on it", async () => {
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

  it("that shows a reservation which has been committed since is pending, until it is asked again", async () => {
    const { memory, replica } = world();
    const [a, b] = [replica("a"), replica("b")];
    const reservation = await unseen(a.dedup.reserve(event));
    const old = await memory.get(resolved.storeKey);
    await reservation.commit();
    b.store.script("put", answering({ ok: false, current: old }));
    await pending(b.dedup.reserve(event));
    await duplicate(b.dedup.reserve(event));
  });

  it("that shows a reservation as ended cannot replace what stands there now", async () => {
    const { memory, pass, replica } = world();
    const [a, b] = [replica("a"), replica("b")];
    const reservation = await unseen(a.dedup.reserve(event));
    const old = await memory.get(resolved.storeKey);
    b.store.script("put", answering({ ok: false, current: old }));
    await pending(b.dedup.reserve(event));
    await pass(2 * LEASE_MS);
    // The holder has renewed; the old record is shown once more, and looks as if it had ended.
    b.store.script("put", answering({ ok: false, current: old }));
    expect(await pending(b.dedup.reserve(event))).toMatchObject({ owner: "a" });
    expect(reservation.signal.aborted).toBe(false);
    expect(await reservation.commit()).toEqual({ commit: "confirmed" });
  });

  it("that shows our own older record at a commit costs a retry", async () => {
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

  it("that shows our own older record at a renewal costs a retry", async () => {
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

  it.each(["reservation", "commit"] as const)("that shows a %s from before ours costs a retry", async (before) => {
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

  it("that shows a reservation from before ours at a release leaves ours to end by itself", async () => {
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

  it("that shows nothing at an adopted commit costs a retry", async () => {
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

describe("a conflict told by a server that no longer leads, of a write that its successor took", () => {
  it("is none for a claim: it is recognised as ours", async () => {
    const { replica } = world();
    const a = replica("a");
    a.store.script("put", refusedByAnother);
    const reservation = await unseen(a.dedup.reserve(event));
    expect(await reservation.commit()).toEqual({ commit: "confirmed" });
  });

  it("is none for a claim that lands after we looked: the key is free again when that has ended", async () => {
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

  it("is none for a renewal, whose lease counts from when it was sent", async () => {
    const { pass, replica } = world();
    const a = replica("a");
    const reservation = await unseen(a.dedup.reserve(event));
    a.store.script("put", refusedByAnother);
    await pass(3 * LEASE_MS);
    expect(reservation.signal.aborted).toBe(false);
    expect(await reservation.commit()).toEqual({ commit: "confirmed" });
  });

  it("is none for a commit", async () => {
    const { replica } = world();
    const a = replica("a");
    const reservation = await unseen(a.dedup.reserve(event));
    a.store.script("put", refusedByAnother);
    expect(await reservation.commit()).toEqual({ commit: "confirmed" });
    await duplicate(replica("b").dedup.reserve(event));
  });

  it("is none for a commit that lands after we looked", async () => {
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

  it("is none for a release", async () => {
    const { replica } = world();
    const a = replica("a");
    const reservation = await unseen(a.dedup.reserve(event));
    a.store.script("remove", refusedByAnother);
    await reservation.release();
    await unseen(replica("b").dedup.reserve(event));
  });
});

describe("a store that forgot", () => {
  it("F16 a reservation: its holder is told at the renewal, and what it did is adopted", async () => {
    const { pass, replica } = world();
    const a = replica("a");
    const reservation = await unseen(a.dedup.reserve(event));
    await a.store.forget(resolved.storeKey);
    await pass(LEASE_MS / 3);
    expect(reservation.signal.reason).toMatchObject({ reason: "superseded" });
    expect(await reservation.commit()).toEqual({ commit: "adopted" });
    await duplicate(a.dedup.reserve(event));
  });

  it("F16 a commit: the event is unseen again, and its fence is higher than ever", async () => {
    const { replica } = world();
    const [a, b] = [replica("a"), replica("b")];
    const first = await unseen(a.dedup.reserve(event));
    await first.commit();
    await a.store.forget(resolved.storeKey);
    expect((await unseen(b.dedup.reserve(event))).fence).toBeGreaterThan(first.fence);
  });
});

describe("F15 a store that never lets go of a key", () => {
  const immortal = (memory: MemoryStore): MemoryStore => ({
    ...memory,
    put: (key, record, how) => memory.put(key, record, { ...how, ttlMs: WINDOW_MS }),
  });

  it("loses a reservation to who saw it stand unchanged for its lease and the skew, and not sooner", async () => {
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

  it("loses no reservation that is renewed", async () => {
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

  it("loses it to one of two who saw it stand as long", async () => {
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

describe("a listener that hears of trouble", () => {
  it.each(["release", "commit"] as const)("may %s at once: that too is given up when nobody answers", async (end) => {
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
