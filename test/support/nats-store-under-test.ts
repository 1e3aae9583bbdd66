import { setTimeout as pause } from "node:timers/promises";
import type { Store } from "../../src/model/store.ts";
import type { StoreUnderTest } from "../../src/testing/store-contract/fixture.ts";

/** Returns a store under test whose time is real time. */
export function realTime(store: Store): StoreUnderTest {
  return { store, monotonicMs: () => performance.now(), pass: (ms) => pause(ms) };
}
