import assert from "node:assert/strict";
import type { Aspect, OptionalMethod, StoreUnderTest } from "./store-contract-fixture.ts";
import { listing, watching } from "./store-contract-reads.ts";
import { removalInTime, timeToLive } from "./store-contract-time.ts";
import { removals, writes } from "./store-contract-writes.ts";

export type { OptionalMethod, StoreUnderTest } from "./store-contract-fixture.ts";

/** What the contract is held against, and with what. */
export interface StoreContract {
  /** Registers one test: `it` or `test` of any runner. Tests are independent of each other and may run at the same time. */
  readonly test: (title: string, body: () => Promise<void>) => void;
  /** A store of its own for every test, that holds nothing. */
  readonly makeStore: () => StoreUnderTest | Promise<StoreUnderTest>;
  /** The optional methods that the store does without. @default none */
  readonly without?: readonly OptionalMethod[];
}

/**
 * Registers the tests that every store must pass, one for each sentence of the contract of {@link Store}. A test may take as
 * long as its records live, some seconds of the store's time.
 */
export function storeContract({ test, makeStore, without = [] }: StoreContract): void {
  const needs = (...methods: OptionalMethod[]): boolean => methods.every((method) => !without.includes(method));
  const register: Parameters<Aspect>[0] = (title, body) => {
    test(title, async () => {
      const made = await makeStore();
      try {
        for (const method of without)
          assert.equal(made.store[method], undefined, `the store does have a \`${method}\``);
        await body(made);
      } finally {
        await made.dispose?.();
      }
    });
  };
  writes(register);
  timeToLive(register);
  if (needs("remove")) {
    removals(register);
    removalInTime(register);
  }
  if (needs("list")) listing(register);
  if (needs("watch")) watching(register);
}
