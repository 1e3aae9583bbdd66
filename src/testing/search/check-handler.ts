import { counted } from "../../internal/counted.ts";
import { objectWith, wholeNumber } from "../../internal/validate.ts";
import type { HandlerSetup } from "../sim/handler.ts";
import type { Scenario } from "../sim/scenario.ts";
import { type Scope, scenarioOf, type WorldOptions } from "../sim/scope.ts";
import { counterexample } from "./counterexample.ts";
import { type FastCheck, searchRandomly } from "./random-search.ts";

/** The scope and the length of a search. */
export interface CheckOptions extends Scope {
  /** Number of events, at least 1. @default 1; without a `world`, also 2, in every fourth run after the first 100 */
  readonly events?: number;
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
export function checkHandler(fc: FastCheck, handler: HandlerSetup, options?: CheckOptions): Promise<CheckResult>;
export function checkHandler<World>(
  fc: FastCheck,
  handler: HandlerSetup<World>,
  options: CheckOptions & WorldOptions<World>,
): Promise<CheckResult>;
export async function checkHandler<World>(
  fc: FastCheck,
  handler: HandlerSetup<World>,
  options: CheckOptions & Partial<WorldOptions<World>> = {},
): Promise<CheckResult> {
  objectWith("fc", fc, "nat", "asyncProperty", "check");
  const scenarios = scenariosOf(handler, options);
  const { numRuns = 1_000, seed } = options;
  wholeNumber("numRuns", numRuns, 1);
  const { found, runs, faults } = await searchRandomly(fc, scenarios, {
    numRuns,
    ...(seed === undefined ? {} : { seed }),
  });
  if (found !== undefined) {
    const { run, scenario } = found;
    const repeat = scenario === scenarios[0] ? "options" : `{ ...options, events: ${scenario.events} }`;
    throw await counterexample(run, scenario, `Found after ${counted(runs, "run")}.`, repeat);
  }
  return { runs, faults };
}

/** Returns the scenarios to search: some with two events, unless the user says how many or checks a world. */
export function scenariosOf<World>(
  handler: HandlerSetup<World>,
  options: CheckOptions & Partial<WorldOptions<World>>,
): readonly [Scenario, ...Scenario[]] {
  const scenario = scenarioOf(handler, options, "all");
  if (options.events !== undefined || options.world !== undefined) return [scenario];
  return [scenario, scenario, scenario, { ...scenario, events: 2 }];
}
