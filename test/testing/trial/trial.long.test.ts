import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { CounterexampleError, checkHandler } from "../../../src/testing/index.ts";
import { scenariosOf } from "../../../src/testing/search/check-handler.ts";
import { searchRandomly } from "../../../src/testing/search/random-search.ts";
import { rightHandlers } from "./right-handlers.ts";
import { wrongHandlers } from "./wrong-handlers.ts";

const SEEDS = [1, 2, 3, 4, 5];
/** Seed whose counterexample is minimised too, which takes far longer than to find it. */
const EXPLAINED_SEED = 1;

describe("in the trial, each of five searches finds the handler that", () => {
  it.each(wrongHandlers)("$name", { timeout: 300_000 }, async ({ handler }) => {
    for (const seed of SEEDS) {
      const { found } = await searchRandomly(fc, scenariosOf(handler, {}), { numRuns: 1_000, seed });
      expect(found?.run.violations ?? []).not.toEqual([]);
    }
  });
});

describe("in the trial, each counterexample points at the mistake of the handler that", () => {
  it.each(wrongHandlers)("$name", { timeout: 300_000 }, async ({ handler, why }) => {
    const search = checkHandler(fc, handler, { seed: EXPLAINED_SEED });
    const error: unknown = await search.catch((reason: unknown) => reason);
    if (!(error instanceof CounterexampleError)) throw error;
    expect(error.run.violations[0]?.why).toMatch(why);
  });
});

describe("in the trial, many searches accuse no handler that", () => {
  it.each(rightHandlers)("$name", { timeout: 600_000 }, async ({ handler }) => {
    for (const deliveries of [2, 3]) {
      expect((await checkHandler(fc, handler, { deliveries, numRuns: 1_000 })).runs).toBe(1_000);
    }
  });
});
