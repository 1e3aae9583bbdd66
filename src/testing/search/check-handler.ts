import { isObject } from "../../internal/is-object.ts";
import { objectWith, wholeNumber } from "../../internal/validate.ts";
import { counted } from "../report/counterexample.ts";
import type { Run } from "../report/run.ts";
import type { HandlerUnderTest } from "../sim/handler.ts";
import { type Scope, scenarioOf, type WorldOptions } from "../sim/scope.ts";
import type { Scenario } from "../sim/simulate.ts";
import { counterexample } from "./counterexample.ts";
import { MAX_NUMBER, MAX_NUMBERS, RandomChooser } from "./random-chooser.ts";
import { runChoosing } from "./run-schedule.ts";

/** The part of fast-check that the search uses. Pass your own: `import fc from "fast-check"`. */
export interface FastCheck {
  /** Creates an arbitrary for natural numbers. */
  nat(max: number): unknown;
  /** Creates an arbitrary for lists. */
  array(of: unknown, constraints: { readonly maxLength: number }): unknown;
  /** Creates a property with an asynchronous predicate. */
  asyncProperty(arbitrary: unknown, predicate: (value: number[]) => Promise<void>): unknown;
  /** Checks a property. */
  check(property: unknown, parameters: object): unknown;
}

/** The scope and the length of a search. */
export interface CheckOptions extends Scope {
  /** Number of schedules to try, at least 1. @default 1_000 */
  readonly numRuns?: number;
  /** Seed of the search. The same seed gives the same search. @default the seed in fast-check's configuration, or a random one */
  readonly seed?: number;
}

/** Result of a search without a counterexample. */
export interface CheckResult {
  /** Number of runs that were tried. */
  readonly runs: number;
  /** Number of faults in all runs. */
  readonly faults: number;
}

/**
 * Runs a handler in the simulation under many schedules, and judges each run by the guarantees G1 to G9 and by `holds`.
 * @throws {CounterexampleError} with the smallest run found that breaks something.
 * @throws {UncontrolledError} when the handler awaits something that is not simulated.
 * @throws {NotRepeatableError} when the handler behaves differently when a run is repeated.
 * @throws {TooManyStepsError} when a run does not end.
 * @throws {TypeError | RangeError} that names the wrong option.
 */
export function checkHandler(fc: FastCheck, handler: HandlerUnderTest, options?: CheckOptions): Promise<CheckResult>;
export function checkHandler<World>(
  fc: FastCheck,
  handler: HandlerUnderTest<World>,
  options: CheckOptions & WorldOptions<World>,
): Promise<CheckResult>;
export async function checkHandler<World>(
  fc: FastCheck,
  handler: HandlerUnderTest<World>,
  options: CheckOptions & Partial<WorldOptions<World>> = {},
): Promise<CheckResult> {
  objectWith("fc", fc, "nat", "array", "asyncProperty", "check");
  const scenario = scenarioOf(handler, options, "all");
  const { numRuns = 1_000, seed } = options;
  wholeNumber("numRuns", numRuns, 1);
  const search = new Search(scenario);
  const property = fc.asyncProperty(fc.array(fc.nat(MAX_NUMBER), { maxLength: MAX_NUMBERS }), (numbers) =>
    search.run(numbers),
  );
  // `minimise` shrinks instead of fast-check, since it knows what makes a run easy to read.
  const details = await fc.check(property, { numRuns, endOnFailure: true, ...(seed === undefined ? {} : { seed }) });
  const { found, failure, runs, faults } = search;
  if (found !== undefined) throw await counterexample(found, scenario, `Found after ${counted(runs, "run")}.`);
  if (failure !== undefined) throw failure.error;
  if (hasFailed(details)) throw new Error(`fast-check stopped after ${counted(runs, "run")} of ${numRuns}`);
  return { runs, faults };
}

/** The state of a search. */
class Search {
  readonly #scenario: Scenario;
  runs = 0;
  faults = 0;
  found: Run | undefined;
  failure: { readonly error: unknown } | undefined;

  constructor(scenario: Scenario) {
    this.#scenario = scenario;
  }

  /** @throws {Error} when the run breaks something or fails. */
  async run(numbers: readonly number[]): Promise<void> {
    this.runs += 1;
    try {
      const chooser = new RandomChooser(numbers);
      const run = await runChoosing(this.#scenario, chooser, () => chooser.taken);
      this.faults += run.faults.length;
      if (run.violations.length > 0) this.found = run;
    } catch (error) {
      this.failure = { error };
      throw error;
    }
    if (this.found !== undefined) throw new Error("A run breaks something");
  }
}

function hasFailed(details: unknown): boolean {
  return isObject(details) && details["failed"] === true;
}
