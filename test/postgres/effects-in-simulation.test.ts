import assert from "node:assert/strict";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { checkHandler, exhaust } from "../../src/testing/index.ts";
import { SimulatedDatabase } from "./simulated-database.ts";
import { service, simulatedMistakes, withEffectOnce } from "./simulated-service.ts";

/** One event has one effect, and its value is kept with it. */
function holds({ ledger, markers }: SimulatedDatabase): void {
  assert.equal(ledger.length, 1, `ledger: ${ledger.length} effects were committed for one event`);
  for (const { key, value } of markers) {
    assert.equal(value, JSON.stringify(`receipt of ${key}`), "ledger: the marker has no value");
  }
}

const scope = { events: 1, crashes: 2, preemptions: 1, world: () => new SimulatedDatabase(), holds };

describe("G11 an effect in a transaction, in the simulation", () => {
  it("is committed once in every schedule with one crash and one departure from a calm run", async () => {
    const { schedules } = await exhaust(service(withEffectOnce), { ...scope, crashes: 1 });
    expect(schedules).toBeGreaterThan(100);
  });

  it("is committed once in random schedules with crashes, lost answers and overlapping deliveries", async () => {
    await checkHandler(fc, service(withEffectOnce), { world: scope.world, holds, numRuns: 300 });
  });

  it.each(Object.entries(simulatedMistakes))(
    "is not with %s, and the search finds it",
    async (_mistake, { dispatch, isUnique }) => {
      const world = (): SimulatedDatabase => new SimulatedDatabase({ isUnique: isUnique ?? true });
      const search = checkHandler(fc, service(dispatch), { world, holds, numRuns: 2_000, seed: 7 });
      await expect(search).rejects.toThrow(/ledger: /);
    },
  );
});
