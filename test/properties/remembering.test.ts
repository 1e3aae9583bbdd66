import fc from "fast-check";
import { afterAll, describe, expect, it } from "vitest";
import * as latchkey from "../../src/index.ts";
import * as marks from "../../src/stores/cache-epoch.ts";
import { noteExplored } from "../support/explored.ts";
import { clearGarden } from "../support/planted-bugs.ts";
import { cacheBugs } from "./bugs/cache.ts";
import { anyMoves, type Package, plantedRemembering, untrueDuplicates } from "./remembering.ts";

const property = (of: Package) =>
  fc.asyncProperty(anyMoves, async (moves) => {
    expect(await untrueDuplicates(of, moves)).toEqual([]);
  });

describe("what replicas remember of commits", () => {
  afterAll(() => {
    clearGarden();
    const names = cacheBugs.map(({ name }) => name);
    noteExplored(`Bugs planted in what replicas remember, all ${names.length} caught`, names);
  });

  it("G2 reports a duplicate only of a stored commit, even with late writes, outages and clears", async () => {
    await fc.assert(property({ ...latchkey, ...marks }), { numRuns: 500 });
  });

  it.each(cacheBugs)("is found untrue when $name", async (bug) => {
    const { failed } = await fc.check(property(await plantedRemembering(bug)), {
      numRuns: 5_000,
      seed: 3,
      endOnFailure: true,
    });
    expect(failed).toBe(true);
  });
});
