import fc from "fast-check";
import { afterAll, describe, expect, it } from "vitest";
import { noteExplored } from "../support/explored.ts";
import { plant, removePlantedCopies } from "../support/planted-bugs.ts";
import { finishedBugs } from "./bugs/finished.ts";
import { nothingWrong } from "./finished.ts";

describe("a finished dispatch", () => {
  afterAll(() => {
    removePlantedCopies();
    const names = finishedBugs.map(({ name }) => name);
    noteExplored(`Bugs planted in what follows a dispatch, all ${names.length} caught`, names);
  });

  it.each(finishedBugs)("is handled wrongly when $name", async (bug) => {
    const { failed } = await fc.check(nothingWrong(await plant(bug)), { numRuns: 5_000, seed: 3, endOnFailure: true });
    expect(failed).toBe(true);
  });
});
