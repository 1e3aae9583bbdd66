import { counted } from "../../internal/counted.ts";
import { isObject } from "../../internal/is-object.ts";
import type { Run } from "../report/run.ts";
import { type FaultName, faultNames } from "../sim/faults.ts";
import type { Scenario } from "../sim/scenario.ts";
import { RandomChooser } from "./random-chooser.ts";
import { runChoosing } from "./run-schedule.ts";

/** The part of fast-check that the search uses. Pass your own: `import fc from "fast-check"`. */
export interface FastCheck {
  /** Creates an arbitrary for natural numbers. */
  nat(max: number): unknown;
  /** Creates a property with an asynchronous predicate. */
  asyncProperty(arbitrary: unknown, predicate: (value: number) => Promise<void>): unknown;
  /** Checks a property. */
  check(property: unknown, parameters: object): unknown;
}

/** Number of runs of a search, and its seed. */
export interface SearchOptions {
  readonly numRuns: number;
  readonly seed?: number;
  /** Called after each run. An error that it throws ends the search. */
  readonly onRun?: (run: Run) => void;
}

/** Result of a search. */
export interface RandomSearchResult {
  /** The first run that breaks something, and its scenario. */
  readonly found?: { readonly run: Run; readonly scenario: Scenario };
  readonly runs: number;
  readonly faults: number;
}

/** Number of runs in the first scenario, which is the easiest to read, before the others join in. */
const FIRST_RUNS = 100;
/** Number of different seeds of a run. */
const SEEDS = 2 ** 31 - 1;

/**
 * Tries random runs until one breaks something. After the first runs, each picks one of the scenarios by its seed.
 * @throws the error of a run that cannot be judged.
 */
export async function searchRandomly(
  fc: FastCheck,
  scenarios: readonly [Scenario, ...Scenario[]],
  { numRuns, seed, onRun = () => {} }: SearchOptions,
): Promise<RandomSearchResult> {
  let runs = 0;
  let faults = 0;
  let found: RandomSearchResult["found"];
  let failure: { readonly error: unknown } | undefined;
  const property = fc.asyncProperty(fc.nat(SEEDS), async (runSeed) => {
    runs += 1;
    const [first] = scenarios;
    const scenario = runs <= FIRST_RUNS ? first : (scenarios[runSeed % scenarios.length] ?? first);
    try {
      const chooser = new RandomChooser(Math.floor(runSeed / scenarios.length), faultsOf(scenario));
      const run = await runChoosing(scenario, chooser, () => chooser.taken);
      faults += run.faults.length;
      onRun(run);
      if (run.violations.length > 0) found = { run, scenario };
    } catch (error) {
      failure = { error };
      throw error;
    }
    if (found !== undefined) throw new Error("A run breaks something");
  });
  // `minimise` shrinks instead of fast-check, since it knows what makes a run easy to read.
  const parameters = { numRuns, endOnFailure: true, unbiased: true, ...(seed === undefined ? {} : { seed }) };
  const details = await fc.check(property, parameters);
  if (failure !== undefined) throw failure.error;
  if (found !== undefined) return { found, runs, faults };
  if (isObject(details) && details["failed"] === true) {
    throw new Error(`fast-check stopped after ${counted(runs, "run")} of ${numRuns}`);
  }
  return { runs, faults };
}

/** Returns the faults that may happen in a scenario. */
export function faultsOf({ faults }: Scenario): readonly FaultName[] {
  return faultNames.filter((name) => (faults[name] ?? 0) > 0);
}
