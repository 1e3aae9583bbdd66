import { describe, expect, it } from "vitest";
import { Deduplicator } from "../../../src/index.ts";
import { resolveIdentity } from "../../../src/model/identity.ts";
import { simulatedStore } from "../../../src/testing/sim/simulated-store.ts";
import { commit } from "../../../src/testing/store-contract/fixture.ts";
import { storeContract } from "../../../src/testing/store-contract/store-contract.ts";

const identity = { subscriptionId: "billing", eventId: "evt-1" };

describe("simulatedStore", () => {
  describe("fulfils the store contract", () => {
    storeContract(it, simulatedStore);
  });

  it("ends a window without waiting", async () => {
    const { store, clock, pass } = simulatedStore();
    const dedup = new Deduplicator({ store, clock });
    expect(await dedup.guard(identity, () => {})).toMatchObject({ outcome: "dispatched" });
    await pass(86_399_999);
    expect(await dedup.guard(identity, () => {})).toMatchObject({ outcome: "duplicate" });
    await pass(1);
    expect(await dedup.guard(identity, () => {})).toMatchObject({ outcome: "dispatched" });
  });

  it("returns no current entry with a conflict, like a NATS bucket", async () => {
    const { store } = simulatedStore();
    const of = resolveIdentity(identity);
    await store.put(of.storeKey, commit(of), { expected: 0, ttlMs: 1_000 });
    expect(await store.put(of.storeKey, commit(of), { expected: 0, ttlMs: 1_000 })).toEqual({ ok: false });
    expect(await store.remove(of.storeKey, { expected: 9 })).toEqual({ ok: false });
  });
});

describe("storeContract with wrong arguments", () => {
  it("refuses arguments that are not a test function or a store, by name", async () => {
    // @ts-expect-error A test function is required.
    expect(() => storeContract(undefined, simulatedStore)).toThrow("Expected `test` to be a function");
    // @ts-expect-error A factory is required.
    expect(() => storeContract(it, simulatedStore().store)).toThrow("Expected `makeStore` to be a function");
    const bodies: Array<() => Promise<void>> = [];
    const noStore = (): object => ({ put: () => {} });
    // @ts-expect-error The store lacks methods.
    storeContract((_, body) => bodies.push(body), noStore);
    await expect(bodies[0]?.()).rejects.toThrow("Expected `store.get` to be a function, got `undefined` (undefined)");
  });

  it("refuses a `without` that names a method of the store", async () => {
    const bodies: Array<() => Promise<void>> = [];
    storeContract((_, body) => bodies.push(body), simulatedStore, { without: ["watch"] });
    await expect(bodies[0]?.()).rejects.toThrow("the store has a `watch`: remove it from `without`");
  });
});
