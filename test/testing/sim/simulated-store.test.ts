import { describe, expect, it } from "vitest";
import { Deduplicator } from "../../../src/index.ts";
import { resolveIdentity } from "../../../src/model/identity.ts";
import { simulatedStore } from "../../../src/testing/sim/simulated-store.ts";
import { commit } from "../../../src/testing/store-contract/fixture.ts";
import { storeContract } from "../../../src/testing/store-contract/store-contract.ts";

const identity = { subscriptionId: "billing", eventId: "evt-1" };

describe("simulatedStore", () => {
  describe("keeps the contract of a store", () => {
    storeContract(it, simulatedStore);
  });

  it("lets a window end without waiting for it", async () => {
    const { store, clock, pass } = simulatedStore();
    const dedup = new Deduplicator({ store, clock });
    expect(await dedup.guard(identity, () => {})).toMatchObject({ outcome: "dispatched" });
    await pass(86_399_999);
    expect(await dedup.guard(identity, () => {})).toMatchObject({ outcome: "duplicate" });
    await pass(1);
    expect(await dedup.guard(identity, () => {})).toMatchObject({ outcome: "dispatched" });
  });

  it("does not say what stood in the way, as a bucket does not", async () => {
    const { store } = simulatedStore();
    const of = resolveIdentity(identity);
    await store.put(of.storeKey, commit(of), { expected: 0, ttlMs: 1_000 });
    expect(await store.put(of.storeKey, commit(of), { expected: 0, ttlMs: 1_000 })).toEqual({ ok: false });
    expect(await store.remove(of.storeKey, { expected: 9 })).toEqual({ ok: false });
  });
});

describe("storeContract refuses", () => {
  it("what is no runner and what is no store, by name", async () => {
    // @ts-expect-error A runner registers tests.
    expect(() => storeContract(undefined, simulatedStore)).toThrow("Expected `test` to be a function");
    // @ts-expect-error Each test has a store of its own.
    expect(() => storeContract(it, simulatedStore().store)).toThrow("Expected `makeStore` to be a function");
    const bodies: Array<() => Promise<void>> = [];
    const noStore = (): object => ({ put: () => {} });
    // @ts-expect-error This is no store.
    storeContract((_, body) => bodies.push(body), noStore);
    await expect(bodies[0]?.()).rejects.toThrow("Expected `store.get` to be a function, got `undefined` (undefined)");
  });

  it("to leave out what a store has", async () => {
    const bodies: Array<() => Promise<void>> = [];
    storeContract((_, body) => bodies.push(body), simulatedStore, { without: ["watch"] });
    await expect(bodies[0]?.()).rejects.toThrow("the store has a `watch`: leave it out of `without`");
  });
});
