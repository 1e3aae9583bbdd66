import { counted } from "../../internal/counted.ts";
import { wholeNumber } from "../../internal/validate.ts";
import type { Run } from "../report/run.ts";
import type { HandlerSetup } from "../sim/handler.ts";
import type { Scenario } from "../sim/scenario.ts";
import { type Choice, type Chooser, type Schedule, withoutTrailingZeros } from "../sim/schedule.ts";
import { type Scope, scenarioOf, type WorldOptions } from "../sim/scope.ts";
import { counterexample } from "./counterexample.ts";
import { runChoosing } from "./run-schedule.ts";

/** The scope to explore completely, so keep it small. Only the named faults happen. */
export interface ExhaustOptions extends Scope {
  /** Maximum number of departures from a calm run, not counting faults; at least 0. @default 2 */
  readonly preemptions?: number;
  /** Maximum number of schedules, at least 1. @default 100_000 */
  readonly mostSchedules?: number;
}

/** Result of an exploration without a counterexample. */
export interface ExhaustResult {
  /** Number of schedules in the scope. All of them were tried. */
  readonly schedules: number;
}

/**
 * Runs a handler under every schedule of a small scope, depth first, and judges each run like `checkHandler`.
 * @throws {CounterexampleError} with the smallest run found that breaks something.
 * @throws {RangeError} when the scope has more schedules than `mostSchedules`.
 * @throws {UncontrolledError | NotRepeatableError | TypeError} like `checkHandler`.
 */
export function exhaust(handler: HandlerSetup, options?: ExhaustOptions): Promise<ExhaustResult>;
export function exhaust<World>(
  handler: HandlerSetup<World>,
  options: ExhaustOptions & WorldOptions<World>,
): Promise<ExhaustResult>;
export async function exhaust<World>(
  handler: HandlerSetup<World>,
  options: ExhaustOptions & Partial<WorldOptions<World>> = {},
): Promise<ExhaustResult> {
  const scenario = scenarioOf(handler, options, "none");
  const { found, schedules } = await exploreSchedules(scenario, limitsOf(options));
  if (found !== undefined) {
    throw await counterexample(found, scenario, `Found after ${counted(schedules, "schedule")}.`);
  }
  return { schedules };
}

/** Limits of the exploration. */
export interface ExploreLimits {
  readonly preemptions: number;
  readonly mostSchedules: number;
  /** Called after each run. An error that it throws ends the exploration. */
  readonly onRun?: (run: Run) => void;
}

/** @throws {TypeError | RangeError} that names the wrong option. */
export function limitsOf({ preemptions = 2, mostSchedules = 100_000 }: ExhaustOptions): ExploreLimits {
  return {
    preemptions: wholeNumber("preemptions", preemptions, 0),
    mostSchedules: wholeNumber("mostSchedules", mostSchedules, 1),
  };
}

/**
 * Runs every schedule of a scenario until one breaks something.
 * @throws {RangeError} when the scenario has more schedules than `mostSchedules`.
 */
export async function exploreSchedules(
  scenario: Scenario,
  { preemptions, mostSchedules, onRun = () => {} }: ExploreLimits,
): Promise<{ readonly found?: Run; readonly schedules: number }> {
  let schedules = 0;
  for (let path: DepthFirstPath | undefined = new DepthFirstPath(preemptions); path !== undefined; path = path.next()) {
    if (schedules === mostSchedules) {
      throw new RangeError(
        `The scope has more than ${mostSchedules} schedules. Make it smaller, or \`mostSchedules\` larger`,
      );
    }
    schedules += 1;
    const explored: DepthFirstPath = path;
    const run = await runChoosing(scenario, explored, () => explored.taken);
    onRun(run);
    if (run.violations.length > 0) return { found: run, schedules };
  }
  return { schedules };
}

/** A choice that was made. */
interface Fork {
  readonly choice: Choice;
  readonly taken: number;
  /** Number of preemptions before this choice. */
  readonly preemptions: number;
}

/** A path through all choices: the given ones, then calm ones. It knows the next path in depth-first order. */
class DepthFirstPath implements Chooser {
  readonly mayFail = true;
  readonly #bound: number;
  readonly #given: Schedule;
  readonly #forks: Fork[] = [];

  constructor(bound: number, given: Schedule = []) {
    this.#bound = bound;
    this.#given = given;
  }

  get taken(): Schedule {
    return withoutTrailingZeros(this.#forks.map(({ taken }) => taken));
  }

  pick(choice: Choice): number {
    const before = this.#forks.at(-1);
    const preemptions = before === undefined ? 0 : preemptionsAfter(before);
    const taken = this.#given[this.#forks.length] ?? 0;
    this.#forks.push({ choice, taken, preemptions });
    return taken;
  }

  /** Returns the path that branches off as late as possible. */
  next(): DepthFirstPath | undefined {
    for (let depth = this.#forks.length - 1; depth >= 0; depth -= 1) {
      const fork = this.#forks[depth];
      if (fork === undefined) continue;
      for (let taken = fork.taken + 1; taken < fork.choice.count; taken += 1) {
        if (fork.choice.isResponse && taken < fork.choice.calm) continue;
        if (preemptionsAfter({ ...fork, taken }) > this.#bound) continue;
        return new DepthFirstPath(this.#bound, [...this.#forks.slice(0, depth).map((one) => one.taken), taken]);
      }
    }
    return undefined;
  }
}

function preemptionsAfter({ choice, taken, preemptions }: Fork): number {
  return taken > 0 && taken < choice.timed ? preemptions + 1 : preemptions;
}
