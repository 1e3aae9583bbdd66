import { errorMessage } from "../../internal/error-message.ts";
import { checkHistory } from "../judge/check-history.ts";
import { missingEffects } from "../judge/missing-effects.ts";
import { Run } from "../report/run.ts";
import type { RunViolation } from "../report/run-violation.ts";
import type { Scenario } from "../sim/scenario.ts";
import { type Chooser, formatSchedule, type Schedule, ScheduleFollower } from "../sim/schedule.ts";
import { simulateChoosing } from "../sim/simulate.ts";
import { TooManyStepsError } from "../sim/too-many-steps-error.ts";

/** Runs a schedule and judges the run. */
export async function runSchedule(scenario: Scenario, schedule: Schedule): Promise<Run> {
  const follower = new ScheduleFollower(schedule);
  return runChoosing(scenario, follower, () => follower.taken);
}

/**
 * Runs the choices of a chooser and judges the run. Calls `taken` afterwards for the schedule that was chosen.
 * @throws {TooManyStepsError} when the run does not end and breaks nothing.
 */
export async function runChoosing(scenario: Scenario, chooser: Chooser, taken: () => Schedule): Promise<Run> {
  const { history, hasEnded, holds, broken } = await simulateChoosing(scenario, chooser);
  const violations: RunViolation[] = [...checkHistory(history)];
  if (hasEnded && broken === undefined) violations.push(...missingEffects(history, scenario.effects));
  if (!hasEnded && violations.length === 0) throw new TooManyStepsError();
  try {
    if (broken !== undefined) throw broken.error;
    if (hasEnded) await holds();
  } catch (error) {
    const why = errorMessage(error).trim();
    violations.push({ guarantee: "holds", line: history.length, why, error });
  }
  return new Run(formatSchedule(taken()), history, violations);
}
