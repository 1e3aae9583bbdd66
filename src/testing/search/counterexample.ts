import { CounterexampleError, NotRepeatableError } from "../report/counterexample.ts";
import type { Run } from "../report/run.ts";
import { parseSchedule } from "../sim/schedule.ts";
import type { Scenario } from "../sim/simulate.ts";
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
  const again = await runSchedule(scenario, parseSchedule(found.schedule));
  if (again.ndjson !== found.ndjson) return new NotRepeatableError(found, again);
  return new CounterexampleError(await minimise(scenario, found), search, options);
}
