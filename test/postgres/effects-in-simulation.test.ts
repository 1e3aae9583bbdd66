import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { checkHandler, exhaust } from "../../src/testing/index.ts";
import { runCount } from "../support/run-count.ts";
import { holds, SimulatedDatabase } from "./simulated-database.ts";
import { service, withEffectOnce } from "./simulated-service.ts";

const scope = { events: 1, crashes: 1, preemptions: 1, world: () => new SimulatedDatabase(), holds };

describe("G11 an effect in a transaction, in the simulation", () => {
  it("is committed once in every schedule with one crash and one departure from a calm run", async () => {
    const { schedules } = await exhaust(service(withEffectOnce), scope);
    expect(schedules).toBeGreaterThan(100);
  });

  it("is committed once in random schedules with crashes, lost answers and overlapping deliveries", async () => {
    await checkHandler(fc, service(withEffectOnce), { world: scope.world, holds, numRuns: runCount(300) });
  });
});
