import fc from "fast-check";
import { afterAll, describe, expect, it } from "vitest";
import { noteExplored } from "../../../support/explored.ts";
import { removePlantedCopies } from "../../../support/planted-bugs.ts";
import { countingBugs, repetitionBugs } from "./bugs.ts";
import { anyFates, loadPackage, type Package, plantInConsumer, runMessage } from "./repeated-dispatches.ts";

const CALM = {
  ...{ dispatches: [], answers: [], letters: [], commits: [], earlyRedeliveries: [] },
  ...{ outage: 0, deliveredElsewhere: 0 },
};

const property = (of: Package) =>
  fc.asyncProperty(anyFates, async (fates) => {
    expect(await runMessage(of, fates)).toMatchObject({ repeated: 0, isSettled: true, isGivenUpEarly: false });
  });

describe("a finished dispatch", () => {
  afterAll(() => {
    removePlantedCopies();
    const names = [...repetitionBugs, ...countingBugs].map(({ name }) => name);
    noteExplored(`Bugs of a delivery that repeat a dispatch or give it up early, all ${names.length} caught`, names);
  });

  it("happens once without faults", async () => {
    const of = await loadPackage(process.cwd());
    expect(await runMessage(of, CALM)).toEqual({ dispatched: 1, repeated: 0, isSettled: true, isGivenUpEarly: false });
  });

  it("G3 is neither repeated nor given up early because of what happens to its commit, its acknowledgement or its dead letter", async () => {
    await fc.assert(property(await loadPackage(process.cwd())), { numRuns: 300 });
  });

  it.each([...repetitionBugs, ...countingBugs])("is found wrong when $name", async (bug) => {
    const { failed, numRuns } = await fc.check(property(await plantInConsumer(bug)), {
      numRuns: 1_000,
      seed: 5,
      endOnFailure: true,
    });
    expect(failed, `in ${numRuns} runs`).toBe(true);
  });
});
