import fc from "fast-check";
import { afterAll, describe, expect, it } from "vitest";
import { noteExplored } from "../../../support/explored.ts";
import { removePlantedCopies } from "../../../support/planted-bugs.ts";
import { countingBugs, repetitionBugs } from "./bugs.ts";
import { dispatchedOnce, plantInConsumer } from "./repeated-dispatches.ts";

const bugs = [...repetitionBugs, ...countingBugs];

describe("a finished dispatch", () => {
  afterAll(() => {
    removePlantedCopies();
    const names = bugs.map(({ name }) => name);
    noteExplored(`Bugs of a delivery that repeat a dispatch or give it up early, all ${names.length} caught`, names);
  });

  it.each(bugs)("is found wrong when $name", async (bug) => {
    const { failed, numRuns } = await fc.check(dispatchedOnce(await plantInConsumer(bug)), {
      numRuns: 1_000,
      seed: 5,
      endOnFailure: true,
    });
    expect(failed, `in ${numRuns} runs`).toBe(true);
  });
});
