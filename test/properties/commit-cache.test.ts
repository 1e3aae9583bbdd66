import fc from "fast-check";
import { afterAll, describe, expect, it } from "vitest";
import * as latchkey from "../../src/index.ts";
import * as cacheEpoch from "../../src/stores/cache-epoch.ts";
import { noteExplored } from "../support/explored.ts";
import { removePlantedCopies } from "../support/planted-bugs.ts";
import { cacheBugs } from "./bugs/cache.ts";
import { anyOperations, falseDuplicates, type Package, plantInCache } from "./commit-cache.ts";

const property = (of: Package) =>
  fc.asyncProperty(anyOperations, async (operations) => {
    expect(await falseDuplicates(of, operations)).toEqual([]);
  });

describe("the commit cache", () => {
  afterAll(() => {
    removePlantedCopies();
    const names = cacheBugs.map(({ name }) => name);
    noteExplored(`Bugs planted in the commit cache, all ${names.length} caught`, names);
  });

  it("G2 reports a duplicate only for a stored commit, even with late writes, outages and clears", async () => {
    await fc.assert(property({ ...latchkey, ...cacheEpoch }), { numRuns: 500 });
  });

  it.each(cacheBugs)("reports a false duplicate when $name", async (bug) => {
    const { failed } = await fc.check(property(await plantInCache(bug)), {
      numRuns: 5_000,
      seed: 3,
      endOnFailure: true,
    });
    expect(failed).toBe(true);
  });
});
