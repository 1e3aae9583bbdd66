import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { checkHandler } from "../../../src/testing/index.ts";
import { runCount } from "../../support/run-count.ts";
import { correctHandlers } from "./correct-handlers.ts";
import { plantedBugs } from "./planted-bugs.ts";
import { searchFor } from "./runs-needed.ts";

const RUNS = runCount(100);

describe("checkHandler finds nothing in a correct handler that", () => {
  it.each(correctHandlers)("$name", async ({ handler, scope }) => {
    const { runs } = await checkHandler(fc, handler, { ...scope, numRuns: RUNS });
    expect(runs).toBe(RUNS);
  });
});

describe("a search with the default options finds the bug of a handler that", () => {
  // One for each guarantee. The long tests search for all of them.
  const bugs = [...new Map(plantedBugs.map((bug) => [bug.breaks, bug])).values()];
  it.each(bugs)("$name", async (bug) => {
    expect((await searchFor(bug, 1)).breaks).not.toEqual([]);
  });
});

describe("the planted bugs", () => {
  it("are at least 40, have different names, and name their sources", () => {
    expect(plantedBugs.length).toBeGreaterThanOrEqual(40);
    expect(new Set(plantedBugs.map(({ name }) => name)).size).toBe(plantedBugs.length);
    expect(plantedBugs.filter(({ source }) => source === "")).toEqual([]);
  });
});
