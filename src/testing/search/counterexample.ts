import { CounterexampleError, NotRepeatableError } from "../report/counterexample.ts";
import type { Run } from "../report/run.ts";
import type { Scenario } from "../sim/scenario.ts";
import { parseSchedule } from "../sim/schedule.ts";
import { minimise } from "./minimise.ts";
import { runSchedule } from "./run-schedule.ts";

/**
 * Returns the error that shows the smallest run like this one, or that the run cannot be repeated.
 * @param options are the options that repeat the run, as code.
 */
export async function counterexample(
  found: Run,
  scenario: Scenario,
  search: string,
  options = "options",
): Promise<Error> {
  try {
    return new CounterexampleError(await smallestLike(found, scenario), search, options);
  } catch (error) {
    if (error instanceof NotRepeatableError) return error;
    throw error;
  }
}

/**
 * Returns the smallest run found that breaks something like this one.
 * @throws {NotRepeatableError} when the run cannot be repeated.
 */
export async function smallestLike(found: Run, scenario: Scenario): Promise<Run> {
  const again = await runSchedule(scenario, parseSchedule(found.schedule));
  if (again.ndjson !== found.ndjson) throw new NotRepeatableError(found, again);
  return minimise(scenario, found);
}
