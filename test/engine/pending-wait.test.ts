import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Change, Store } from "../../src/model/store.ts";
import type { MemoryStore } from "../../src/stores/memory-store.ts";
import { held } from "../support/faulty-store.ts";
import {
  duplicate,
  event,
  LEASE_MS,
  pending,
  type Replica,
  SKEW_MS,
  task,
  unseen,
  type World,
  watched,
  world,
} from "../support/replicas.ts";

const wait = { onPending: "wait" } as const;
const other = { ...event, eventId: "evt-2" };

/** A store may report anything. This guard accepts values that the types forbid. */
function isChange(_: unknown): _ is Change {
  return true;
}

/** A replica whose store can watch. Counts its own writes. */
function watching(
  w: World,
  owner: string,
  watch: MemoryStore["watch"] = w.memory.watch,
): Replica & { puts: () => number } {
  let puts = 0;
  const { memory } = w;
  const store: Store = {
    put: (key, record, how) => {
      puts += 1;
      return memory.put(key, record, how);
    },
    get: memory.get,
    remove: memory.remove,
    invalidation: memory.invalidation,
    watch,
  };
  return { ...w.replica(owner, { store }), puts: () => puts };
}

describe("`waitMs`", () => {
  it("ends the wait for another replica with `pending` and the time of the next retry", async () => {
    const { clock, pass, replica } = world();
    const [a, b] = [replica("a", { renew: false }), replica("b")];
    await unseen(a.dedup.reserve(event));
    const waiting = watched(b.dedup.reserve(event, { ...wait, waitMs: 7_000 }));
    await pass(6_999);
    expect(waiting.state()).toBe("waiting");
    await pass(1);
    expect(await pending(waiting.promise)).toMatchObject({
      owner: "a",
      retryAfterMs: LEASE_MS + SKEW_MS + 500 - 7_000,
    });
    expect(b.trail()).toEqual(["pending"]);
    expect(clock.timers).toBe(1);
  });

  it("ends the wait for a handler of the same process with `pending`", async () => {
    const { pass, replica } = world();
    const { dedup } = replica("a");
    const work = task();
    void dedup.guard(event, work.handler);
    const waiting = dedup.guard(event, () => "never", { ...wait, waitMs: 2_500 });
    await pass(2_500);
    expect(await waiting).toMatchObject({ outcome: "pending", retryAfterMs: LEASE_MS - 2_500 });
  });

  it("ends the wait for the claim of another call", async () => {
    const { clock, pass, replica } = world();
    const { dedup, store } = replica("a");
    const claim = held();
    store.script("put", claim.fault);
    const first = dedup.reserve(event);
    const joined = dedup.reserve(event, { ...wait, waitMs: 1_000 });
    await pass(1_000);
    await pending(joined);
    await claim.go();
    await (await unseen(first)).release();
    expect(clock.timers).toBe(0);
  });

  it("is five minutes by default", async () => {
    const { pass, replica } = world();
    const [a, b] = [replica("a"), replica("b")];
    await unseen(a.dedup.reserve(event));
    const waiting = watched(b.dedup.reserve(event, wait));
    await pass(299_999);
    expect(waiting.state()).toBe("waiting");
    await pass(1);
    await pending(waiting.promise);
  });

  it("still claims once if it is 0", async () => {
    const { replica } = world();
    const [a, b] = [replica("a"), replica("b")];
    const reservation = await unseen(a.dedup.reserve(event, { ...wait, waitMs: 0 }));
    await pending(b.dedup.reserve(event, { ...wait, waitMs: 0 }));
    await pending(a.dedup.reserve(event, { ...wait, waitMs: 0 }));
    await reservation.release();
  });

  it.each([-1, 0.5, "1000", Number.POSITIVE_INFINITY])("cannot be %j", async (waitMs) => {
    const { replica } = world();
    const options: object = { ...wait, waitMs };
    await expect(replica("a").dedup.reserve(event, options)).rejects.toThrow("Expected `waitMs` to be a whole number");
  });

  it("bounds every wait, for any behaviour of the holders", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 0, max: 90_000 }),
        fc.boolean(),
        fc.boolean(),
        fc.array(
          fc.record({ ms: fc.integer({ min: 0, max: 40_000 }), move: fc.constantFrom("fail", "reserve", "none") }),
        ),
        async (waitMs, isHere, isWatched, moves) => {
          const w = world();
          const a = w.replica("a");
          const b = isHere ? a : isWatched ? watching(w, "b") : w.replica("b");
          let reservation = await unseen(a.dedup.reserve(event));
          let endedAtMs: number | undefined;
          void b.dedup.reserve(event, { ...wait, waitMs }).then((decision) => {
            endedAtMs = w.clock.monotonicMs();
            return decision.decision === "unseen" ? decision.release() : undefined;
          });
          for (const { ms, move } of moves) {
            await w.pass(ms);
            if (move === "none") continue;
            await reservation.release();
            const next = await a.dedup.reserve(event);
            if (next.decision === "unseen") reservation = next;
          }
          await w.pass(waitMs);
          expect(endedAtMs).toBeLessThanOrEqual(waitMs);
        },
      ),
      { numRuns: 100 },
    );
  });
});

describe("a wait on a store that can watch", () => {
  it.each([
    ["commit", duplicate],
    ["release", unseen],
  ] as const)("ends with the other replica's %s, without a pause", async (end, decided) => {
    const w = world();
    const [a, b] = [w.replica("a"), watching(w, "b")];
    const reservation = await unseen(a.dedup.reserve(event));
    const waiting = b.dedup.reserve(event, wait);
    await w.pass(2 * LEASE_MS + 123);
    const asked = b.puts();
    await reservation[end]();
    await decided(waiting);
    expect(w.clock.monotonicMs()).toBe(2 * LEASE_MS + 123);
    expect(b.puts()).toBe(asked + 1);
  });

  it("claims every five seconds, and not with every renewal", async () => {
    const w = world();
    const [a, b] = [w.replica("a"), watching(w, "b")];
    await unseen(a.dedup.reserve(event));
    void b.dedup.reserve(event, wait).catch(() => {});
    await w.pass(6_000);
    const asked = b.puts();
    await w.pass(60_000);
    expect(b.puts() - asked).toBe(12);
    await b.dedup.close();
  });

  it("polls when the watch fails, ends, is silent or reports invalid changes", async () => {
    const watches: ReadonlyArray<MemoryStore["watch"]> = [
      () => {
        throw new Error("no");
      },
      async function* () {},
      () => ({ [Symbol.asyncIterator]: () => ({ next: () => Promise.reject(new Error("lost")) }) }),
      async function* () {
        const nonsense: unknown = { type: "put" };
        if (isChange(nonsense)) yield nonsense;
      },
      (_, signal) => ({
        [Symbol.asyncIterator]: () => ({
          next: () =>
            new Promise((resolve) => signal.addEventListener("abort", () => resolve({ done: true, value: 0 }))),
        }),
      }),
    ];
    for (const watch of watches) {
      const w = world();
      const [a, b] = [w.replica("a"), watching(w, "b", watch)];
      const reservation = await unseen(a.dedup.reserve(event));
      const waiting = b.dedup.reserve(event, wait);
      await w.pass(20_000);
      await reservation.commit();
      await w.pass(5_000);
      await duplicate(waiting);
      expect(w.clock.timers).toBe(0);
    }
  });

  it.each(["its decision", "an abort", "close"])("ends the watch with %s", async (end) => {
    const w = world();
    let open = 0;
    const a = w.replica("a");
    const b = watching(w, "b", async function* (filter, signal) {
      open += 1;
      try {
        yield* w.memory.watch(filter, signal);
      } finally {
        open -= 1;
      }
    });
    const reservation = await unseen(a.dedup.reserve(event));
    const stop = new AbortController();
    const waiting = b.dedup.reserve(event, { ...wait, signal: stop.signal }).catch(() => undefined);
    await w.pass(3_000);
    expect(open).toBe(1);
    if (end === "an abort") stop.abort();
    else if (end === "close") await b.dedup.close();
    else await reservation.commit();
    await waiting;
    await w.pass(0);
    expect(open).toBe(0);
  });
});

describe("a handler that waits for its own key", () => {
  const deadlock = { name: "LatchkeyError", code: "deadlock" };

  it.each(["at once", "after a pause", "inside another guard"])("is refused, %s", async (when) => {
    const { clock, pass, replica } = world();
    const { dedup } = replica("a");
    const nested = () => dedup.guard(event, () => "never", wait);
    const outer = dedup.guard(event, async () => {
      if (when === "after a pause") await new Promise<void>((resolve) => void clock.schedule(1_000, resolve));
      return when === "inside another guard" ? dedup.guard(other, nested) : nested();
    });
    const refused = expect(outer).rejects.toMatchObject(deadlock);
    await pass(1_000);
    await refused;
    await unseen(dedup.reserve(event));
  });

  it("gets `pending` if it does not wait", async () => {
    const { dedup } = world().replica("a");
    const outcome = await dedup.guard(event, () => dedup.guard(event, () => "never"));
    expect(outcome).toMatchObject({ outcome: "dispatched", value: { outcome: "pending" } });
  });

  it("may wait for another event, and for its own one after it returned", async () => {
    const { dedup } = world().replica("a");
    let left: Promise<unknown> = Promise.resolve();
    let go = (): void => {};
    const outcome = await dedup.guard(event, async () => {
      left = new Promise<void>((resolve) => (go = resolve)).then(() => dedup.guard(event, () => "never", wait));
      return dedup.guard(other, () => "done", wait);
    });
    expect(outcome).toMatchObject({ value: { outcome: "dispatched" } });
    go();
    expect(await left).toMatchObject({ outcome: "duplicate" });
  });

  it("is bounded by `waitMs` with two independent deduplicators", async () => {
    const w = world();
    const [a, b] = [w.replica("a"), w.replica("b")];
    const outcome = a.dedup.guard(event, () => b.dedup.guard(event, () => "never", { ...wait, waitMs: 1_000 }));
    await w.pass(1_000);
    expect(await outcome).toMatchObject({ value: { outcome: "pending" } });
  });
});
