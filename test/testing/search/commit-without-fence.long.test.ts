import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { checkHandler } from "../../../src/testing/search/check-handler.ts";
import { exhaust } from "../../../src/testing/search/exhaust.ts";
import { commitWithoutFence } from "../examples/commit-without-fence.ts";

const violation = [expect.objectContaining({ guarantee: "G3" })];

// Its counterexample needs two deliveries and an expired lease, so both searches take seconds.
describe("a commit without a fence over another holder's reservation", () => {
  it("is found by a random search", async () => {
    await expect(
      checkHandler(fc, commitWithoutFence, { clockJumps: 1, numRuns: 5_000, seed: 1 }),
    ).rejects.toMatchObject({ name: "CounterexampleError", run: { deliveries: 2, violations: violation } });
  });

  it("is found by an exhaustive search", async () => {
    await expect(exhaust(commitWithoutFence, { preemptions: 3 })).rejects.toMatchObject({
      name: "CounterexampleError",
      run: { deliveries: 2 },
    });
  });
});
