import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { CounterexampleError, checkHandler } from "../../../src/testing/index.ts";
import { correctHandlers } from "./correct-handlers.ts";
import { plantedBugs } from "./planted-bugs.ts";
import { searchFor } from "./runs-needed.ts";

const SEEDS = Array.from({ length: 20 }, (_, index) => index + 1);

describe("checkHandler finds nothing in many runs of a correct handler that", () => {
  it.each(correctHandlers)("$name", { timeout: 600_000 }, async ({ handler, scope }) => {
    expect(await checkHandler(fc, handler, { ...scope, numRuns: 700 })).toMatchObject({ runs: 700 });
    const slower = { ...scope, numRuns: 300, jumpMs: 8_000, ackWaitMs: 10_000 };
    expect(await checkHandler(fc, handler, slower)).toMatchObject({ runs: 300 });
  });
});

describe("checkHandler explains the bug of a handler that", () => {
  it.each(plantedBugs)("$name", { timeout: 120_000 }, async ({ handler, breaks, why, scope }) => {
    const error: unknown = await checkHandler(fc, handler, { ...scope, seed: 1 }).catch((reason: unknown) => reason);
    if (!(error instanceof CounterexampleError)) throw error;
    expect(error.run.violations[0]).toMatchObject({ guarantee: breaks, why: expect.stringMatching(why) });
  });
});

describe("of 20 searches with the default options, the first and 18 others find the bug of a handler that", () => {
  it.each(plantedBugs)("$name", { timeout: 600_000 }, async (bug) => {
    const successful: number[] = [];
    for (const seed of SEEDS) if ((await searchFor(bug, seed)).breaks.length > 0) successful.push(seed);
    expect(successful).toContain(1);
    expect(successful.length).toBeGreaterThanOrEqual(19);
  });
});
