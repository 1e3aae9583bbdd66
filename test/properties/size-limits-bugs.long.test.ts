import fc from "fast-check";
import { afterAll, describe, expect, it } from "vitest";
import { noteExplored } from "../support/explored.ts";
import { plant, removePlantedCopies } from "../support/planted-bugs.ts";
import { sizeLimitBugs } from "./bugs/size-limit.ts";
import { noDeviations } from "./size-limits.ts";

describe("a store with a size limit", () => {
  afterAll(() => {
    removePlantedCopies();
    const names = sizeLimitBugs.map(({ name }) => name);
    noteExplored(`Bugs planted in the handling of size limits, all ${names.length} caught`, names);
  });

  it.each(sizeLimitBugs)("fails its property when $name", async (bug) => {
    const { failed } = await fc.check(noDeviations(await plant(bug)), { numRuns: 5_000, seed: 3, endOnFailure: true });
    expect(failed).toBe(true);
  });
});
