import fc from "fast-check";
import { afterAll, describe, expect, it } from "vitest";
import { noteExplored } from "../support/explored.ts";
import { copyWithBug, removePlantedCopies } from "../support/planted-bugs.ts";
import { type Conditions, loadModules, type Modules, type ProtocolLaw, protocolLaws } from "./protocol-laws.ts";

const anyConditions: fc.Arbitrary<Conditions> = fc.record({
  leaseMs: fc.integer({ min: 1_000, max: 7_500 }),
  lateMs: fc.integer({ min: 0, max: 20 }),
  idsMade: fc.nat({ max: 1_500 }),
  runMs: fc.nat({ max: 5_000 }),
});

const property = (law: ProtocolLaw, of: Modules) =>
  fc.asyncProperty(anyConditions, (conditions) => law.holds(of, conditions));

describe("the protocol", () => {
  afterAll(() => {
    removePlantedCopies();
    const names = protocolLaws.flatMap(({ bugs }) => bugs.map(({ name }) => name));
    noteExplored(`Bugs that break a law of the protocol, all ${names.length} caught`, names);
  });

  describe.each(protocolLaws)("ensures that $name, which", (law) => {
    it("holds under any conditions", async () => {
      await fc.assert(property(law, await loadModules(process.cwd())), { numRuns: 30 });
    });

    it.each(law.bugs)("is broken if $name", async (bug) => {
      const planted = await loadModules(copyWithBug(bug));
      const { failed, numRuns } = await fc.check(property(law, planted), { numRuns: 200, seed: 1, endOnFailure: true });
      expect(failed, `in ${numRuns} runs`).toBe(true);
    });
  });
});
