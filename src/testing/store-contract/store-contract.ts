import assert from "node:assert/strict";
import { setTimeout as pause } from "node:timers/promises";
import { callable, objectWith } from "../../internal/validate.ts";
import type { Store } from "../../model/store.ts";
import type { Aspect, OptionalMethod, StoreUnderTest } from "./fixture.ts";
import { listing, watching } from "./reads.ts";
import { removalInTime, timeToLive } from "./time.ts";
import { removals, writes } from "./writes.ts";

/** What a store does without. */
export interface StoreContractOptions {
  /** The optional methods that it does not have. @default none */
  readonly without?: readonly OptionalMethod[];
}

/**
 * Registers the tests that every store must pass, one for each sentence of the contract of `Store`.
 *
 * The tests are independent of each other and may run at the same time. On real time one takes as long as its records live: up to
 * some ten seconds, so let your runner wait for 30.
 * @param test registers one test: `test` or `it` of any runner.
 * @param makeStore a store for one test, that holds nothing. If its time is simulated, or it has to be taken down: a
 *   {@link StoreUnderTest}.
 * @throws {TypeError} that names the argument that is wrong.
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
            `the store has a \`${method}\`: leave it out of \`without\``,
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

/** A store alone goes by real time. */
function underTest(made: Store | StoreUnderTest): StoreUnderTest {
  objectWith("what makeStore gives", made);
  if ("store" in made) return made;
  objectWith("store", made, "put", "get");
  return { store: made, monotonicMs: () => performance.now(), pass: (ms) => pause(ms) };
}
