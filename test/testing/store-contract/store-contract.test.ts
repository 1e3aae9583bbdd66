import { describe, expect, it } from "vitest";
import type { OptionalMethod, StoreUnderTest } from "../../../src/testing/store-contract/fixture.ts";
import { storeContract } from "../../../src/testing/store-contract/store-contract.ts";
import { type Flaw, flawedStore, flaws } from "../../support/flawed-store.ts";
import { SimulatedClock } from "../../support/simulated-clock.ts";

/** Maximum event-loop turns of a contract test. Time is simulated, so no test needs more. */
const MAX_TURNS = 20000;

async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn += 1) await new Promise(setImmediate);
}

/** Runs the contract like a test runner, and returns the titles of the failed tests. A test that does not end in time fails. */
async function failures(flaw: Flaw | undefined, missing: readonly OptionalMethod[] = [], without = missing) {
  const tests: Array<readonly [title: string, body: () => Promise<void>]> = [];
  const makeStore = (): StoreUnderTest => {
    const clock = new SimulatedClock();
    const store = flawedStore(clock, flaw);
    const kept = Object.fromEntries(Object.entries(store).filter(([name]) => !missing.some((one) => one === name)));
    return {
      store: { ...kept, put: store.put, get: store.get },
      monotonicMs: () => clock.monotonicMs(),
      pass: (ms) => clock.advanceAsync(ms),
    };
  };
  storeContract((title, body) => tests.push([title, body]), makeStore, { without });
  const late = turns(MAX_TURNS);
  const results = await Promise.all(
    tests.map(([title, body]) => {
      const failed = body().then(
        () => undefined,
        () => title,
      );
      return Promise.race([failed, late.then(() => title)]);
    }),
  );
  return results.filter((title) => title !== undefined);
}

describe("storeContract", () => {
  it("passes for a store without a flaw", async () => {
    expect(await failures(undefined)).toEqual([]);
  });

  it("passes for a store without optional methods only if `without` names them", async () => {
    expect(await failures(undefined, ["remove", "list", "watch"])).toEqual([]);
    expect(await failures(undefined, ["remove"])).toEqual([]);
    expect(await failures(undefined, ["remove"], [])).not.toEqual([]);
    expect(await failures(undefined, [], ["watch"])).not.toEqual([]);
  });

  it.each(flaws)("fails when %s", async (flaw) => {
    expect(await failures(flaw)).not.toEqual([]);
  });
});
