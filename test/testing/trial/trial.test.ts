import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { checkHandler } from "../../../src/testing/index.ts";
import { scenariosOf } from "../../../src/testing/search/check-handler.ts";
import { searchRandomly } from "../../../src/testing/search/random-search.ts";
import { runCount } from "../../support/run-count.ts";
import { rightHandlers } from "./right-handlers.ts";
import { wrongHandlers } from "./wrong-handlers.ts";

const RUNS = runCount(100);

describe("in the trial, a search with the default options finds the handler that", () => {
  it.each(wrongHandlers)("$name", async ({ handler }) => {
    const { found } = await searchRandomly(fc, scenariosOf(handler, {}), { numRuns: 1_000 });
    expect(found?.run.violations ?? []).not.toEqual([]);
  });
});

describe("in the trial, the judge accuses no handler that", () => {
  it.each(rightHandlers)("$name", async ({ handler }) => {
    expect((await checkHandler(fc, handler, { numRuns: RUNS })).runs).toBe(RUNS);
  });
});
