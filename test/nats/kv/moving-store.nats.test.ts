import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Deduplicator } from "../../../src/deduplicator.ts";
import { StoreUnavailableError } from "../../../src/errors.ts";
import type { Put } from "../../../src/model/store.ts";
import type { NatsStore } from "../../../src/nats/kv/bucket-store.ts";
import { movingStore } from "../../../src/nats/kv/moving-store.ts";
import { memoryStore } from "../../../src/stores/memory-store.ts";
import { collected } from "../../support/collected.ts";
import { commit, identity, LONG_MS, reservation, write } from "../../support/store-contract-fixture.ts";

/** Which of the places a replica knows. */
type Setting = "old" | "both" | "new";
type Move = (from: NatsStore, to: NatsStore) => NatsStore;

const place = (): NatsStore => ({ ...memoryStore(), maxWindowMs: 1e9 });

/** The settings that run at the same time, one roll-out after the other. */
const rollOuts: ReadonlyArray<readonly Setting[]> = [["old"], ["old", "both"], ["both"], ["both", "new"], ["new"]];

/** Every call takes a while before it arrives, and its answer takes another; the scheduler says how long. */
function slowed(store: NatsStore, scheduler: fc.Scheduler): NatsStore {
  const slow =
    <Arguments extends unknown[], Answer>(call: (...args: Arguments) => Promise<Answer>) =>
    async (...args: Arguments): Promise<Answer> => {
      await scheduler.schedule(Promise.resolve());
      const answer = await call(...args);
      await scheduler.schedule(Promise.resolve());
      return answer;
    };
  return { ...store, put: slow(store.put), get: slow(store.get), remove: slow(store.remove) };
}

/** Rolls out one setting after the other, while replicas ask for the same events all the time. Returns what went wrong. */
async function rolledOut(
  scheduler: fc.Scheduler,
  move: Move,
  failures: readonly boolean[],
): Promise<readonly string[]> {
  const [from, to] = [place(), place()];
  const wrong: string[] = [];
  const events = new Map<string, { running: number; done: number }>();
  let attempts = 0;
  for (const [step, settings] of rollOuts.entries()) {
    // What came before is asked for again. By the second roll-out, what only the old place knows is over: a window lies between.
    const first = step < 3 ? 0 : 2;
    const ids = Array.from({ length: step + 1 - first }, (_, index) => `evt-${first + index}`);
    for (const id of ids) if (!events.has(id)) events.set(id, { running: 0, done: 0 });
    const doneBefore = new Set(ids.filter((id) => events.get(id)?.done === 1));
    const replicas = settings.flatMap((setting) => [setting, setting]);
    const asked = replicas.flatMap((setting, replica) => {
      const known = { old: from, new: to, both: undefined }[setting];
      const store =
        known === undefined ? move(slowed(from, scheduler), slowed(to, scheduler)) : slowed(known, scheduler);
      const dedup = new Deduplicator({ store, owner: `${setting}-${step}-${replica}`, leaseMs: 60_000 });
      return ids.map(async (eventId) => {
        const event = events.get(eventId) ?? { running: 0, done: 0 };
        const guarded = dedup.guard({ subscriptionId: "sub-1", eventId }, async () => {
          attempts += 1;
          event.running += 1;
          if (event.running > 1) wrong.push(`${eventId} ran twice at once`);
          await scheduler.schedule(Promise.resolve());
          event.running -= 1;
          if (failures[attempts] === true) throw new Error("The dispatch fails");
          event.done += 1;
          if (event.done > 1) wrong.push(`${eventId} was dispatched twice`);
        });
        const { outcome } = await guarded.catch(() => ({ outcome: "failed" }));
        if (outcome === "duplicate" && event.done === 0) wrong.push(`${eventId} was lost`);
        if (outcome !== "duplicate" && doneBefore.has(eventId)) wrong.push(`${eventId} is forgotten`);
        await dedup.close();
      });
    });
    await scheduler.waitFor(Promise.all(asked));
  }
  return wrong;
}

function property(move: Move, onWrong: (wrong: readonly string[]) => void) {
  const failures = fc.array(fc.boolean(), { maxLength: 20 });
  return fc.asyncProperty(fc.scheduler(), failures, async (scheduler, fails) => {
    onWrong(await rolledOut(scheduler, move, fails));
  });
}

/** What can be wrong with a move. */
const flaws: Readonly<Record<string, Move>> = {
  "nothing moves: the new place is not asked": (from) => from,
  "the old place is not asked": (_, to) => to,
  "the old place is only read": (from, to) => ({
    ...to,
    async put(key, record, how) {
      const old = await from.get(key);
      return old === undefined ? to.put(key, record, how) : { ok: false, current: old };
    },
  }),
  "a claim does not wait for the new place": (from, to) => ({
    ...movingStore(from, to),
    async put(key, record, how) {
      const put = await from.put(key, record, how);
      if (put.ok) await to.put(key, record, { ...how, expected: (await to.get(key))?.revision ?? 0 });
      return put;
    },
  }),
  "a commit stays in the old place": (from, to) => ({
    ...movingStore(from, to),
    put: (key, record, how) => (record.state === "committed" ? from : movingStore(from, to)).put(key, record, how),
  }),
  "a commit goes to the new place alone": (from, to) => ({
    ...movingStore(from, to),
    async put(key, record, how): Promise<Put> {
      const moving = movingStore(from, to);
      if (record.state !== "committed") return moving.put(key, record, how);
      await from.remove(key, { expected: how.expected });
      return to.put(key, record, { ...how, expected: (await to.get(key))?.revision ?? 0 });
    },
  }),
};

describe("a move of keys from one place to another, with two roll-outs", () => {
  it("G1 G2 G3 dispatches nothing twice and loses nothing, whatever replicas run beside each other", async () => {
    await fc.assert(
      property(movingStore, (wrong) => expect(wrong).toEqual([])),
      { numRuns: 200 },
    );
  });

  it.each(Object.entries(flaws))("is seen to go wrong when %s", async (_, move) => {
    const run = await fc.check(
      property(move, (wrong) => expect(wrong).toEqual([])),
      { numRuns: 1_000, endOnFailure: true },
    );
    expect(run.failed).toBe(true);
  });
});

describe("a store whose keys move", () => {
  const of = identity("evt-1");
  const { storeKey: key } = of;
  const holder = reservation(of, { token: "mine", fence: 0 });
  const how = { expected: 0, ttlMs: LONG_MS };

  it("has everything in both places, and gives the revisions of the old one", async () => {
    const [from, to] = [place(), place()];
    await write(to, identity("other").storeKey, commit(identity("other")));
    const store = movingStore(from, to);
    const first = await write(store, key, holder);
    const second = await write(store, key, { ...holder, fence: first, atMs: 1 }, { expected: first });
    const third = await write(store, key, commit(of, { token: "mine", fence: first }), { expected: second });
    for (const where of [from, to]) expect((await where.get(key))?.record.state).toBe("committed");
    expect((await from.get(key))?.revision).toBe(third);
    expect(await collected(store.list({}))).toHaveLength(2);
    expect(await store.remove(key, { expected: third })).toEqual({ ok: true });
    for (const where of [from, to]) expect(await where.get(key)).toBeUndefined();
    expect(await store.remove(key, { expected: third })).toEqual({ ok: false });
    const [other] = await collected(store.list({}));
    expect(await store.remove(other?.key ?? key, { expected: other?.revision ?? 0 })).toEqual({ ok: true });
  });

  it("is read in both places: a commit in either counts, and what only one has is there", async () => {
    const [from, to] = [place(), place()];
    const store = movingStore(from, to);
    expect(await store.get(key)).toBeUndefined();
    const theirs = await write(to, key, reservation(of, { token: "theirs" }));
    expect((await store.get(key))?.record.token).toBe("theirs");
    await write(from, key, holder);
    expect((await store.get(key))?.record.token).toBe("mine");
    await write(to, key, commit(of, { token: "theirs" }), { expected: theirs });
    expect((await store.get(key))?.record.state).toBe("committed");
  });

  it("tells a write over another revision what stands in the old place, or that nothing does", async () => {
    const [from, to] = [place(), place()];
    const store = movingStore(from, to);
    const over = { expected: 77, ttlMs: LONG_MS };
    expect(await store.put(key, holder, over)).toEqual({ ok: false });
    await write(from, key, reservation(of, { token: "theirs" }));
    expect(await store.put(key, holder, over)).toMatchObject({ ok: false, current: { record: { token: "theirs" } } });
    expect(await to.get(key)).toBeUndefined();
  });

  it("gives a claim back when the new place is taken, and says by whom", async () => {
    const [from, to] = [place(), place()];
    await write(to, key, commit(of, { token: "theirs" }));
    const put = await movingStore(from, to).put(key, holder, how);
    expect(put).toMatchObject({ ok: false, current: { record: { token: "theirs", state: "committed" } } });
    expect(await from.get(key)).toBeUndefined();
  });

  it("completes a write that got stuck between the places when it is repeated", async () => {
    const [from, to] = [place(), place()];
    let isAway = true;
    const away = (): Promise<never> => Promise.reject(new StoreUnavailableError("away", { ambiguous: true }));
    const store = movingStore(from, { ...to, put: (...write) => (isAway ? away() : to.put(...write)) });
    await expect(store.put(key, holder, how)).rejects.toMatchObject({ ambiguous: true });
    expect(await from.get(key)).toBeDefined();
    isAway = false;
    expect(await store.put(key, holder, how)).toEqual({ ok: true, revision: (await from.get(key))?.revision });
    expect((await to.get(key))?.record).toEqual(holder);
  });

  it("leaves no claim in the old place that is surely not in the new one", async () => {
    const from = place();
    const full = { ...place(), put: () => Promise.reject(new StoreUnavailableError("full", { ambiguous: false })) };
    await expect(movingStore(from, full).put(key, holder, how)).rejects.toMatchObject({ ambiguous: false });
    expect(await from.get(key)).toBeUndefined();
  });

  it("does not let a renewal that comes late cover the commit", async () => {
    const [from, to] = [place(), place()];
    const first = await write(from, key, holder);
    await write(to, key, commit(of, { token: "mine", fence: first }));
    const renewal = { ...holder, fence: first, atMs: 7 };
    const put = await movingStore(from, to).put(key, renewal, { expected: first, ttlMs: LONG_MS });
    expect(put).toMatchObject({ ok: false, current: { record: { state: "committed" } } });
    expect((await to.get(key))?.record.state).toBe("committed");
  });

  it("gives up on a key that others write to all the time", async () => {
    const [from, to] = [place(), place()];
    const store = movingStore(from, { ...to, put: () => Promise.resolve({ ok: false }) });
    await expect(store.put(key, holder, how)).rejects.toMatchObject({ code: "store-unavailable", ambiguous: true });
  });

  it("tells what happens in either place, until it is told to stop", async () => {
    const [from, to] = [place(), place()];
    const controller = new AbortController();
    const heard: number[] = [];
    const watching = (async () => {
      for await (const change of movingStore(from, to).watch({}, controller.signal)) {
        if (heard.push(change.type === "put" ? change.entry.revision : change.revision) === 2) controller.abort();
      }
    })();
    await Promise.resolve();
    await write(from, key, holder);
    await write(to, key, holder);
    await watching;
    expect(heard).toHaveLength(2);
  });

  it("fails with the place that fails", async () => {
    const broken = place();
    const failing: NatsStore = { ...broken, watch: (_, signal) => broken.watch({ eventId: "alone" }, signal) };
    const watching = collected(movingStore(place(), failing).watch({}, AbortSignal.timeout(60_000)));
    await expect(watching).rejects.toThrow("Expected `subscriptionId`");
  });
});
