import fc from "fast-check";
import { describe, it } from "vitest";
import * as latchkey from "../../src/index.ts";
import { storeContract } from "../../src/testing/store-contract/store-contract.ts";
import { runCount } from "../support/run-count.ts";
import { SimulatedClock } from "../support/simulated-clock.ts";
import { sizeLimitedStore } from "../support/size-limited-store.ts";
import { noDeviations } from "./size-limits.ts";

describe("a store with a size limit", () => {
  describe("F19 satisfies the store contract", () => {
    storeContract(it, () => {
      const clock = new SimulatedClock();
      return {
        store: sizeLimitedStore(latchkey.memoryStore({ clock }), () => ({ maxBytes: 100_000, as: "too large" })),
        monotonicMs: () => clock.monotonicMs(),
        pass: (ms) => clock.advanceAsync(ms),
      };
    });
  });

  it("G3 commits at once without a result that does not fit, and refuses a claim that could never be committed", async () => {
    await fc.assert(noDeviations(latchkey), { numRuns: runCount(1_000) });
  });
});
