import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { checkHandler } from "../../src/testing/index.ts";
import { holds, SimulatedDatabase } from "./simulated-database.ts";
import { service, simulatedMistakes } from "./simulated-service.ts";

describe("G11 an effect in a transaction, in the simulation", () => {
  it.each(Object.entries(simulatedMistakes))(
    "is not committed once with %s, and the search finds it",
    async (_mistake, { dispatch, isUnique }) => {
      const world = (): SimulatedDatabase => new SimulatedDatabase({ isUnique: isUnique ?? true });
      const search = checkHandler(fc, service(dispatch), { world, holds, numRuns: 2_000, seed: 7 });
      await expect(search).rejects.toThrow(/ledger: /);
    },
  );
});
