import { describe, expect, it } from "vitest";
import { RecordUnreadableError, StoreUnavailableError } from "../../../src/errors.ts";
import type { StoreHealth } from "../../../src/inspect/server/wire.ts";
import { parseTrace } from "../../../src/inspect/trace/trace-text.ts";
import { linkedSignal } from "../../../src/internal/abort.ts";
import type { StoreKey } from "../../../src/model/identity.ts";
import { event, task, unseen, type World, world } from "../../support/replicas.ts";
import { type Inspected, inspected } from "./inspected.ts";

const LOST = new StoreUnavailableError("The store is lost", { ambiguous: false });

/** Returns the recording in short form. */
async function recorded(its: Inspected): Promise<readonly string[]> {
  await its.world.pass(1_000);
  const trace = parseTrace(await (await its.ask("/api/recording")).text());
  return trace.map(({ type, replica, identity, cause }) => [type, identity.eventId, replica, cause].join(" ").trim());
}

/** Returns why the store is unavailable, or an empty text. */
async function trouble(its: Inspected): Promise<string | undefined> {
  const feed = await its.feed();
  const [begin] = await feed.all();
  await feed.cancel();
  const store = begin?.overview?.store;
  return store?.state === "unavailable" ? store.reason : "";
}

/** Creates an inspector that only watches a store, with ways to break the store. */
function watching(its: World = world()) {
  const breaks = new Set<(reason: Error) => void>();
  let unreadable: Error | undefined;
  const { memory } = its;
  const store = {
    ...memory,
    async *list(filter: Parameters<typeof memory.list>[0]) {
      yield* memory.list(filter);
      if (unreadable !== undefined) throw unreadable;
    },
    async *watch(filter: Parameters<typeof memory.list>[0], signal: AbortSignal) {
      const broken = new AbortController();
      breaks.add((reason) => broken.abort(reason));
      yield* memory.watch(filter, linkedSignal(signal, broken.signal).signal);
      broken.signal.throwIfAborted();
    },
  };
  const inspector = inspected({ store }, its);
  return {
    ...inspector,
    breakOff: (reason: Error = LOST) => {
      for (const each of breaks) each(reason);
      breaks.clear();
    },
    spoil: (error: Error) => {
      unreadable = error;
    },
  };
}

describe("a recording of the store alone", () => {
  it("shows that a dispatch failed, with the error's name but not its message", async () => {
    const its = watching();
    const { dedup } = its.world.replica("web-2");
    await its.world.pass(1_000);
    await expect(dedup.guard(event, () => Promise.reject(new TypeError("card 4111 was declined")))).rejects.toThrow();
    const lines = await recorded(its);
    expect(lines).toContain(`failed ${event.eventId} web-2 TypeError`);
    expect(lines.join()).not.toContain("4111");
    await its.inspector.close();
  });

  it("matches the replicas' own events as far as they change records", async () => {
    const its = watching();
    const [one, two] = [its.world.replica("web-2"), its.world.replica("web-3", { renew: false })];
    await its.world.pass(1_000);
    const long = task();
    const running = one.dedup.guard(event, long.handler);
    await long.reservation;
    await its.world.pass(11_000);
    long.succeed("");
    await running;
    const failing = { ...event, eventId: "evt-2" };
    await expect(two.dedup.guard(failing, () => Promise.reject(new Error("no")))).rejects.toThrow();
    await two.dedup.guard(event, () => "");
    const own = [...one.steps, ...two.steps].filter(({ type }) =>
      ["reserved", "renewed", "committed", "failed", "released"].includes(type),
    );
    const types = (await recorded(its)).map((line) => line.split(" ", 2).join(" "));
    expect(types).toEqual(own.map(({ type, identity }) => `${type} ${identity.eventId}`));
    expect(types).toHaveLength(6);
    await its.inspector.close();
  });

  it("recognises a late commit and a lapse", async () => {
    const its = watching();
    await its.world.pass(1_000);
    const late = task();
    const running = its.world.replica("web-2", { renew: false, skewMs: 20_000 }).dedup.guard(event, late.handler);
    await late.reservation;
    await its.world.pass(31_000);
    late.succeed("");
    expect(await running).toMatchObject({ commit: "adopted" });
    await unseen(its.world.replica("web-3", { renew: false }).dedup.reserve({ ...event, eventId: "evt-2" }));
    await its.world.pass(40_000);
    expect(await recorded(its)).toEqual([
      "reserved evt-1 web-2",
      "committed evt-1 web-2 adopted",
      "reserved evt-2 web-3",
      "lapsed evt-2 web-3",
    ]);
    await its.inspector.close();
  });

  it("uses the own events of an attached replica instead", async () => {
    const its = watching();
    const { dedup } = its.world.replica("web-2");
    its.inspector.attach(dedup);
    await its.world.pass(1_000);
    await dedup.guard(event, () => "");
    await its.world.replica("web-3").dedup.guard({ ...event, eventId: "evt-2" }, () => "");
    expect(await recorded(its)).toEqual([
      "reserved evt-1 web-2",
      "dispatched evt-1 web-2",
      "committed evt-1 web-2 confirmed",
      "reserved evt-2 web-3",
      "committed evt-2 web-3 confirmed",
    ]);
    await dedup.clear(event);
    expect((await recorded(its)).at(-1)).toBe("cleared evt-1 web-2");
    await its.inspector.close();
  });
});

describe("an unavailable store", () => {
  it("is reported, and later changes are caught up with", async () => {
    const its = watching();
    const { dedup } = its.world.replica("web-2");
    const [held, gone] = [event, { ...event, eventId: "evt-2" }];
    await its.world.pass(1_000);
    const reservation = await unseen(dedup.reserve(held));
    const other = await unseen(dedup.reserve(gone));
    await its.world.pass(100);
    its.breakOff();
    await its.world.pass(100);
    expect(await trouble(its)).toBe("The store is lost");
    await reservation.commit();
    await other.release();
    await its.world.pass(5_000);
    expect(await trouble(its)).toBe("");
    expect((await recorded(its)).slice(2)).toEqual([
      "committed evt-1 web-2 confirmed",
      "released evt-2 web-2 ended while the store was not watched",
    ]);
    await its.inspector.close();
  });

  it("does not report a lapsed lease a second time", async () => {
    const its = watching();
    await its.world.pass(1_000);
    await unseen(its.world.replica("web-2", { renew: false }).dedup.reserve(event));
    await its.world.pass(40_000);
    its.breakOff();
    await its.world.pass(5_000);
    expect(await recorded(its)).toEqual(["reserved evt-1 web-2", "lapsed evt-1 web-2"]);
    await its.inspector.close();
  });

  it("is reported within 3 s although its watch hangs, and nothing is concluded until it is back", async () => {
    const its = world();
    const { memory } = its;
    let isDown = false;
    const hanging = <Value>(answer: Promise<Value>): Promise<Value> => (isDown ? new Promise(() => {}) : answer);
    const store = { ...memory, get: (key: StoreKey) => hanging(memory.get(key)) };
    const inspector = inspected({ store }, its);
    const { dedup } = its.replica("web-2", { renew: false });
    await its.pass(2_000);
    await unseen(dedup.reserve(event));
    await its.pass(1_000);
    isDown = true;
    const downAtMs = its.clock.wallMs();
    const feed = await inspector.feed();
    await feed.all();
    let health: StoreHealth | undefined;
    while (health?.state !== "unavailable") health = (await feed.all())[0]?.overview?.store;
    expect(its.clock.wallMs() - downAtMs).toBeLessThanOrEqual(3_000);
    expect(health).toMatchObject({ reason: "no answer within 1.25 s" });
    await its.pass(60_000);
    expect(await recorded(inspector)).toEqual(["reserved evt-1 web-2"]);
    isDown = false;
    await its.pass(5_000);
    const [begin] = await (await inspector.feed()).all();
    expect(begin?.overview?.store).toMatchObject({
      state: "available",
      outage: { fromMs: health.sinceMs, toMs: expect.any(Number) },
    });
    expect((await recorded(inspector)).length).toBeGreaterThan(1);
    await feed.cancel();
    await inspector[Symbol.asyncDispose]();
  });

  it("is watched on after a change that cannot be read, which is reported until a listing is complete", async () => {
    const its = watching();
    await its.world.pass(1_000);
    its.breakOff(new RecordUnreadableError("The record under a.b.c is not JSON"));
    await its.world.pass(5_000);
    expect(await trouble(its)).toBe("");
    const [begin] = await (await its.feed()).all();
    expect(begin?.overview?.notices).toMatchObject([{ concern: "unreadable", resolved: true }]);
    await its.world.replica("web-2").dedup.guard(event, () => "");
    expect(await recorded(its)).toContain("committed evt-1 web-2 confirmed");
    await its.inspector.close();
  });

  it("is shown without records that cannot be read, which are reported", async () => {
    const its = watching();
    await unseen(its.world.replica("web-2").dedup.reserve(event));
    its.spoil(new RecordUnreadableError("The record under a.b.c is not JSON"));
    expect(await recorded(its)).toEqual(["reserved evt-1 web-2"]);
    expect(await trouble(its)).toBe("");
    const [begin] = await (await its.feed()).all();
    expect(begin?.overview?.notices).toMatchObject([
      { concern: "unreadable", cause: "The record under a.b.c is not JSON", times: 1, resolved: false },
    ]);
    its.spoil(new Error("broken"));
    its.breakOff();
    await its.world.pass(20_000);
    expect(await trouble(its)).toBe("Error: broken");
    await its.inspector.close();
    expect(its.world.clock.timers).toBeLessThan(3);
  });
});
