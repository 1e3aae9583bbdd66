import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { checkHandler, replay } from "../../../src/testing/index.ts";
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

describe("checkHandler excuses a handler that ignores the result of its commit", () => {
  const handlers = [
    "reserves, and does not pass on the result of its commit",
    "disposes its reservation",
    "gives no reply",
  ];

  it.each(handlers)("if the commit stays unconfirmed, and a renewal is answered late: %s", async (name) => {
    const handler = correctHandlers.find((one) => one.name === name)?.handler;
    if (handler === undefined) throw new Error(`No handler ${name}`);
    // The read that follows a conflict has no answer. Then the process gets the answer to its renewal, and freezes.
    const schedule = "0,2,1,0,2,1,1,2,0,0,0,1,1,3,1,1,0,0,5,0,0,6,0,2";
    await expect(replay(schedule, handler)).resolves.toMatchObject({ violations: [] });
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
