import { CounterexampleError } from "../report/counterexample.ts";
import type { Run } from "../report/run.ts";
import type { HandlerSetup } from "../sim/handler.ts";
import { parseSchedule } from "../sim/schedule.ts";
import { type Scope, scenarioOf, type WorldOptions } from "../sim/scope.ts";
import { runSchedule } from "./run-schedule.ts";

/**
 * Runs a handler under the schedule of a counterexample. The same handler and options give the same run.
 * @returns the run, for example to draw it.
 * @throws {CounterexampleError} when the run breaks something.
 * @throws {TypeError} when the schedule or an option is wrong.
 */
export function replay(schedule: string, handler: HandlerSetup, options?: Scope): Promise<Run>;
export function replay<World>(
  schedule: string,
  handler: HandlerSetup<World>,
  options: Scope & WorldOptions<World>,
): Promise<Run>;
export async function replay<World>(
  schedule: string,
  handler: HandlerSetup<World>,
  options: Scope & Partial<WorldOptions<World>> = {},
): Promise<Run> {
  const run = await runSchedule(scenarioOf(handler, options, "all"), parseSchedule(schedule));
  if (run.violations.length > 0) throw new CounterexampleError(run, "Replayed.");
  return run;
}
