import { CounterexampleError } from "../report/counterexample.ts";
import { type Run, runSchedule } from "../report/run.ts";
import type { HandlerUnderTest } from "../sim/handler.ts";
import { parseSchedule } from "../sim/schedule.ts";
import { type InWorld, type Scope, scenarioOf } from "../sim/scope.ts";

/**
 * Runs a handler under one schedule, as a counterexample names it: with the same handler and options, it is the same run.
 * @returns the run, to be looked at.
 * @throws {CounterexampleError} when it breaks something.
 * @throws {TypeError} for what is no schedule, or a wrong option.
 */
export function replay(schedule: string, handler: HandlerUnderTest, options?: Scope): Promise<Run>;
export function replay<World>(
  schedule: string,
  handler: HandlerUnderTest<World>,
  options: Scope & InWorld<World>,
): Promise<Run>;
export async function replay<World>(
  schedule: string,
  handler: HandlerUnderTest<World>,
  options: Scope & Partial<InWorld<World>> = {},
): Promise<Run> {
  const run = await runSchedule(scenarioOf(handler, options, "all"), parseSchedule(schedule));
  if (run.broken.length > 0) throw new CounterexampleError(run, "Replayed.");
  return run;
}
