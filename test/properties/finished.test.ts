import fc from "fast-check";
import { afterAll, describe, expect, it } from "vitest";
import * as latchkey from "../../src/index.ts";
import { noteExplored } from "../support/explored.ts";
import { plant, removePlantedCopies } from "../support/planted-bugs.ts";
import { finishedBugs } from "./bugs/finished.ts";
import { anyMoves, type Package, wrongIn } from "./finished.ts";

const property = (of: Package) =>
  fc.asyncProperty(anyMoves, async (moves) => {
    expect(await wrongIn(of, moves)).toEqual([]);
  });

describe("a finished dispatch", () => {
  afterAll(() => {
    removePlantedCopies();
    const names = finishedBugs.map(({ name }) => name);
    noteExplored(`Bugs planted in what follows a dispatch, all ${names.length} caught`, names);
  });

  it("G3 G9 is not repeated by a process that knows of it, and its commit undoes no clear", async () => {
    await fc.assert(property(latchkey), { numRuns: 500 });
  });

  it.each(finishedBugs)("is handled wrongly when $name", async (bug) => {
    const { failed } = await fc.check(property(await plant(bug)), { numRuns: 5_000, seed: 3, endOnFailure: true });
    expect(failed).toBe(true);
  });
});
