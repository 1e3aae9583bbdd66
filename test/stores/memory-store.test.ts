import { getEventListeners } from "node:events";
import { describe, expect, it } from "vitest";
import { StoreUnavailableError } from "../../src/errors.ts";
import { type MemoryStoreOptions, memoryStore } from "../../src/stores/memory-store.ts";
import { storeContract } from "../../src/testing/store-contract/store-contract.ts";
import { SimulatedClock } from "../support/simulated-clock.ts";
import { commit, identity, LONG_MS, reservation, write } from "../support/store-contract-fixture.ts";

describe("memoryStore", () => {
  describe("F19 the store contract", () => {
    storeContract(it, () => {
      const clock = new SimulatedClock();
      return {
        store: memoryStore({ clock }),
        monotonicMs: () => clock.monotonicMs(),
        pass: (ms) => clock.advanceAsync(ms),
      };
    });
  });

  it("expires a key at exactly its last millisecond", async () => {
    const clock = new SimulatedClock();
    const store = memoryStore({ clock });
    const { storeKey } = identity("evt-1");
    await write(store, storeKey, reservation(identity("evt-1")), { ttlMs: 1_500 });
    clock.advance(1_499);
    expect(await store.get(storeKey)).toBeDefined();
    clock.advance(1);
    expect(await store.get(storeKey)).toBeUndefined();
  });

  it("keeps results that no caller can change, however deeply nested", async () => {
    const store = memoryStore({ clock: new SimulatedClock() });
    const of = identity("evt-1");
    const result = { runs: [{ id: "run-1" }] };
    await write(store, of.storeKey, Object.freeze({ ...commit(of), result }));
    result.runs.length = 0;
    const read = await store.get(of.storeKey);
    expect(read?.record).toEqual({ ...commit(of), result: { runs: [{ id: "run-1" }] } });
    expect(() => Object.assign(read?.record ?? {}, { owner: "changed" })).toThrow(TypeError);
    const kept: unknown = read?.record.state === "committed" ? read.record.result : undefined;
    expect(kept).toSatisfy((value: object) => Object.isFrozen(Object.values(value)[0]));
  });

  it("starts no timer, however many keys it holds", async () => {
    const clock = new SimulatedClock();
    const store = memoryStore({ clock });
    for (let index = 0; index < 100; index += 1) {
      const of = identity(`evt-${index}`);
      await write(store, of.storeKey, reservation(of));
    }
    expect(clock.timers).toBe(0);
  });

  it("leaves no listener on the signal of a watch that ended before the signal aborted", async () => {
    const store = memoryStore({ clock: new SimulatedClock() });
    const { signal } = new AbortController();
    const of = identity("evt-1");
    const watch = store.watch({}, signal)[Symbol.asyncIterator]();
    const change = watch.next();
    await write(store, of.storeKey, reservation(of));
    expect(await change).toMatchObject({ value: { type: "put" } });
    await watch.return?.();
    expect(getEventListeners(signal, "abort")).toEqual([]);
  });

  it("rejects a new key at its limit, and accepts it after another expired or was removed", async () => {
    const clock = new SimulatedClock();
    const store = memoryStore({ clock, maxKeys: 2 });
    const [one, two, three, four] = ["1", "2", "3", "4"].map((name) => identity(name));
    if (!one || !two || !three || !four) throw new Error("four identities");
    const first = await write(store, one.storeKey, reservation(one));
    await write(store, two.storeKey, reservation(two), { ttlMs: 3_000 });
    const full = store.put(three.storeKey, reservation(three), { expected: 0, ttlMs: LONG_MS });
    await expect(full).rejects.toThrow(StoreUnavailableError);
    await expect(full).rejects.toMatchObject({ code: "store-unavailable", ambiguous: false });

    const renewed = await write(store, one.storeKey, reservation(one), { expected: first });
    await store.remove(one.storeKey, { expected: renewed });
    await write(store, three.storeKey, reservation(three));
    clock.advance(5_000);
    await write(store, four.storeKey, reservation(four));
  });

  it("names the invalid option", () => {
    const make = (options: unknown) => () => memoryStore(isOptions(options) ? options : {});
    expect(make({ maxKeys: 0 })).toThrow(RangeError);
    expect(make({ maxKeys: "9" })).toThrow("Expected `maxKeys` to be a whole number of at least 1, got `9` (string)");
    expect(make({ clock: {} })).toThrow("Expected `clock.monotonicMs` to be a function, got `undefined` (undefined)");
  });
});

/** Lets the tests pass values that the types forbid. */
function isOptions(_: unknown): _ is MemoryStoreOptions {
  return true;
}
