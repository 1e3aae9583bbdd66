import fc from "fast-check";
import { afterAll, describe, expect, it } from "vitest";
import { noteExplored } from "../support/explored.ts";
import { copyWithBug, removePlantedCopies } from "../support/planted-bugs.ts";
import { always, loadModules, protocolLaws } from "./protocol-laws.ts";

describe("the protocol", () => {
  afterAll(() => {
    removePlantedCopies();
    const names = protocolLaws.flatMap(({ bugs }) => bugs.map(({ name }) => name));
    noteExplored(`Bugs that break a law of the protocol, all ${names.length} caught`, names);
  });

  describe.each(protocolLaws)("ensures that $name, which", (law) => {
    it.each(law.bugs)("is broken if $name", async (bug) => {
      const planted = await loadModules(copyWithBug(bug));
      const { failed, numRuns } = await fc.check(always(law, planted), { numRuns: 200, seed: 1, endOnFailure: true });
      expect(failed, `in ${numRuns} runs`).toBe(true);
    });
  });
});
