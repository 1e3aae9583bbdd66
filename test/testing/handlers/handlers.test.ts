import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { checkHandler } from "../../../src/testing/index.ts";
import { correctHandlers } from "./correct-handlers.ts";
import { plantedBugs } from "./planted-bugs.ts";
import { searchFor } from "./runs-needed.ts";

describe("checkHandler finds nothing in a correct handler that", () => {
  it.each(correctHandlers)("$name", async ({ handler, scope }) => {
    const { runs } = await checkHandler(fc, handler, { ...scope, numRuns: 100 });
    expect(runs).toBe(100);
  });
});

describe("a search with the default options finds the bug of a handler that", () => {
  it.each(plantedBugs)("$name", async (bug) => {
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
