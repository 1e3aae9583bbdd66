import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { CounterexampleError, checkHandler } from "../../../src/testing/index.ts";
import { correctHandlers } from "./correct-handlers.ts";
import { plantedBugs } from "./planted-bugs.ts";

const times = { jumpMs: 8_000, ackWaitMs: 10_000 };

describe("checkHandler finds nothing in a correct handler that", () => {
  it.each(correctHandlers)("$name", async ({ handler, scope }) => {
    const { runs } = await checkHandler(fc, handler, { ...times, ...scope, numRuns: 200 });
    expect(runs).toBe(200);
  });
});

describe("checkHandler finds the bug of a handler that", () => {
  it.each(plantedBugs)("$name", async ({ handler, breaks, why, scope }) => {
    const error: unknown = await checkHandler(fc, handler, { ...times, ...scope, seed: 1 }).catch(
      (reason: unknown) => reason,
    );
    if (!(error instanceof CounterexampleError)) throw error;
    expect(error.run.violations[0]).toMatchObject({ guarantee: breaks, why: expect.stringMatching(why) });
  });
});
