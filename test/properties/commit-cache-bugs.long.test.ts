import fc from "fast-check";
import { afterAll, describe, expect, it } from "vitest";
import { noteExplored } from "../support/explored.ts";
import { removePlantedCopies } from "../support/planted-bugs.ts";
import { cacheBugs } from "./bugs/cache.ts";
import { noFalseDuplicates, plantInCache } from "./commit-cache.ts";

describe("the commit cache", () => {
  afterAll(() => {
    removePlantedCopies();
    const names = cacheBugs.map(({ name }) => name);
    noteExplored(`Bugs planted in the commit cache, all ${names.length} caught`, names);
  });

  it.each(cacheBugs)("reports a false duplicate when $name", async (bug) => {
    const { failed } = await fc.check(noFalseDuplicates(await plantInCache(bug)), {
      numRuns: 5_000,
      seed: 3,
      endOnFailure: true,
    });
    expect(failed).toBe(true);
  });
});
