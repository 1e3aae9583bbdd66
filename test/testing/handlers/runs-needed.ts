import fc from "fast-check";
import { scenariosOf } from "../../../src/testing/search/check-handler.ts";
import { searchRandomly } from "../../../src/testing/search/random-search.ts";
import type { PlantedBug } from "./planted-bug.ts";

/** Number of runs of a search with the default options. */
export const DEFAULT_RUNS = 1_000;

/** The runs that one search needs to find a bug. */
export interface Found {
  readonly runs: number;
  /** Guarantees that the first run breaks. Empty if none was found. */
  readonly breaks: readonly string[];
}

/** Searches for a bug with the default options. */
export async function searchFor(
  { handler, scope = {} }: Pick<PlantedBug, "handler" | "scope">,
  seed: number,
): Promise<Found> {
  const { found, runs } = await searchRandomly(fc, scenariosOf(handler, scope), { numRuns: DEFAULT_RUNS, seed });
  return { runs, breaks: (found?.run.violations ?? []).map(({ guarantee }) => guarantee) };
}
