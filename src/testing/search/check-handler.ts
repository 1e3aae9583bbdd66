import { objectWith, wholeNumber } from "../../internal/validate.ts";
import { CounterexampleError, counted, NotRepeatableError } from "../report/counterexample.ts";
import { type Run, runChoosing, runSchedule } from "../report/run.ts";
import type { HandlerUnderTest } from "../sim/handler.ts";
import { parseSchedule } from "../sim/schedule.ts";
import { type InWorld, type Scope, scenarioOf } from "../sim/scope.ts";
import type { Scenario } from "../sim/simulate.ts";
import { minimise } from "./minimise.ts";
import { LONGEST, MOST, Searcher } from "./searcher.ts";

/** The part of fast-check that is used: give your own, `import fc from "fast-check"`. */
export interface FastCheck {
  nat(max: number): unknown;
  array(of: unknown, constraints: { readonly maxLength: number }): unknown;
  asyncProperty(arbitrary: unknown, predicate: (value: number[]) => Promise<void>): unknown;
  check(property: unknown, parameters: object): unknown;
}

/** What is simulated, and for how long {@link checkHandler} searches. */
export interface CheckOptions extends Scope {
  /** How many schedules are tried, at least 1. @default 1_000 */
  readonly numRuns?: number;
  /** Where the search begins. @default what fast-check is configured to, or chance */
  readonly seed?: number;
}

/** What was tried without finding anything. */
export interface Checked {
  readonly runs: number;
  /** How many faults there were in them. */
  readonly faults: number;
}

/**
 * Runs a handler in the simulation under many schedules, and judges each run by the guarantees G1 to G9, and by `holds`.
 * @throws {CounterexampleError} with the least run that breaks one.
 * @throws {UncontrolledError} when the handler awaits something that is not simulated.
 * @throws {NotRepeatableError} when the handler does something else when it is run again.
 * @throws {TypeError | RangeError} that names the option that is wrong.
 */
export function checkHandler(fc: FastCheck, handler: HandlerUnderTest, options?: CheckOptions): Promise<Checked>;
export function checkHandler<World>(
  fc: FastCheck,
  handler: HandlerUnderTest<World>,
  options: CheckOptions & InWorld<World>,
): Promise<Checked>;
export async function checkHandler<World>(
  fc: FastCheck,
  handler: HandlerUnderTest<World>,
  options: CheckOptions & Partial<InWorld<World>> = {},
): Promise<Checked> {
  objectWith("fc", fc, "nat", "array", "asyncProperty", "check");
  const scenario = scenarioOf(handler, options, "all");
  const { numRuns = 1_000, seed } = options;
  wholeNumber("numRuns", numRuns, 1);
  const search = new Search(scenario);
  const property = fc.asyncProperty(fc.array(fc.nat(MOST), { maxLength: LONGEST }), (numbers) =>
    search.tryOut(numbers),
  );
  // What fast-check shrinks is left to `minimise`, which knows what makes a run easy to read.
  const details = await fc.check(property, { numRuns, endOnFailure: true, ...(seed === undefined ? {} : { seed }) });
  const { found, trouble, runs, faults } = search;
  if (found !== undefined) throw await counterexample(found, scenario, `Found after ${counted(runs, "run")}.`);
  if (trouble !== undefined) throw trouble.error;
  if (hasFailed(details))
    throw new Error(`fast-check gave up after ${counted(runs, "run")}, before ${numRuns} were done`);
  return { runs, faults };
}

/** The error that shows the least run like this one. */
export async function counterexample(found: Run, scenario: Scenario, search: string): Promise<Error> {
  const again = await runSchedule(scenario, parseSchedule(found.schedule));
  if (again.ndjson !== found.ndjson) return new NotRepeatableError(found, again);
  const least = await minimise(scenario, found);
  return new CounterexampleError(least, search);
}

/** What the search has come to. */
class Search {
  readonly #scenario: Scenario;
  runs = 0;
  faults = 0;
  found: Run | undefined;
  trouble: { readonly error: unknown } | undefined;

  constructor(scenario: Scenario) {
    this.#scenario = scenario;
  }

  /** @throws {Error} when the run breaks something, or cannot be made. */
  async tryOut(numbers: readonly number[]): Promise<void> {
    this.runs += 1;
    try {
      const searcher = new Searcher(numbers);
      const run = await runChoosing(this.#scenario, searcher, () => searcher.taken);
      this.faults += run.faults.length;
      if (run.broken.length > 0) this.found = run;
    } catch (error) {
      this.trouble = { error };
      throw error;
    }
    if (this.found !== undefined) throw new Error("broken");
  }
}

function hasFailed(details: unknown): boolean {
  return typeof details === "object" && details !== null && "failed" in details && details.failed === true;
}
