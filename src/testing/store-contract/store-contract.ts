import assert from "node:assert/strict";
import { setTimeout as pause } from "node:timers/promises";
import { callable, objectWith } from "../../internal/validate.ts";
import type { Store } from "../../model/store.ts";
import type { Aspect, OptionalMethod, StoreUnderTest } from "./fixture.ts";
import { listing, watching } from "./reads.ts";
import { removalInTime, timeToLive } from "./time.ts";
import { removals, writes } from "./writes.ts";

/** The optional parts of the contract. */
export interface StoreContractOptions {
  /** Optional methods that the store lacks. @default none */
  readonly without?: readonly OptionalMethod[];
}

/**
 * Registers the tests that every store must pass, one for each sentence of the contract of `Store`.
 *
 * The tests are independent and may run concurrently. In real time, a test takes as long as its records live: about ten seconds
 * at most. Set your runner's timeout to 30 seconds.
 * @param test registers one test: `test` or `it` of any runner.
 * @param makeStore returns an empty store for one test, or a {@link StoreUnderTest} if its time is simulated or it needs disposal.
 * @throws {TypeError} that names the wrong argument.
 */
export function storeContract(
  test: (title: string, body: () => Promise<void>) => unknown,
  makeStore: () => Store | StoreUnderTest | Promise<Store | StoreUnderTest>,
  options: StoreContractOptions = {},
): void {
  callable("test", test);
  callable("makeStore", makeStore);
  objectWith("options", options);
  const { without = [] } = options;
  const register: Parameters<Aspect>[0] = (title, body) => {
    void test(title, async () => {
      const made = underTest(await makeStore());
      try {
        for (const method of without) {
          assert.ok(
            typeof made.store[method] !== "function",
            `the store has a \`${method}\`: remove it from \`without\``,
          );
        }
        await body(made);
      } finally {
        await made.dispose?.();
      }
    });
  };
  const needs = (method: OptionalMethod): boolean => !without.includes(method);
  writes(register);
  timeToLive(register);
  if (needs("remove")) {
    removals(register);
    removalInTime(register);
  }
  if (needs("list")) listing(register);
  if (needs("watch")) watching(register);
}

/** A store without a clock uses real time. */
function underTest(made: Store | StoreUnderTest): StoreUnderTest {
  objectWith("the result of makeStore", made);
  if ("store" in made) return made;
  objectWith("store", made, "put", "get");
  return { store: made, monotonicMs: () => performance.now(), pass: (ms) => pause(ms) };
}
