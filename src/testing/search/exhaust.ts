import { wholeNumber } from "../../internal/validate.ts";
import { counted } from "../report/counterexample.ts";
import { runChoosing } from "../report/run.ts";
import type { HandlerUnderTest } from "../sim/handler.ts";
import { type Choice, type Chooser, type Schedule, withoutCalm } from "../sim/schedule.ts";
import { type InWorld, type Scope, scenarioOf } from "../sim/scope.ts";
import { counterexample } from "./check-handler.ts";

/** What is simulated: all of it is tried, so keep it small. Only the faults that are named happen. */
export interface ExhaustOptions extends Scope {
  /** How often, at most, something else happens than would in a calm run, faults aside; at least 0. @default 2 */
  readonly preemptions?: number;
  /** How many schedules are tried before giving up, at least 1. @default 100_000 */
  readonly mostSchedules?: number;
}

/** What was tried without finding anything. */
export interface Exhausted {
  /** How many schedules there are in this scope; each was tried. */
  readonly schedules: number;
}

/**
 * Runs a handler under every schedule of a small scope, depth first, and judges each run as `checkHandler` does.
 * @throws {CounterexampleError} with the least run that breaks something.
 * @throws {RangeError} when there are more schedules than `mostSchedules`.
 * @throws {UncontrolledError | NotRepeatableError | TypeError} as `checkHandler` does.
 */
export function exhaust(handler: HandlerUnderTest, options?: ExhaustOptions): Promise<Exhausted>;
export function exhaust<World>(
  handler: HandlerUnderTest<World>,
  options: ExhaustOptions & InWorld<World>,
): Promise<Exhausted>;
export async function exhaust<World>(
  handler: HandlerUnderTest<World>,
  options: ExhaustOptions & Partial<InWorld<World>> = {},
): Promise<Exhausted> {
  const scenario = scenarioOf(handler, options, "none");
  const preemptions = wholeNumber("preemptions", options.preemptions ?? 2, 0);
  const mostSchedules = wholeNumber("mostSchedules", options.mostSchedules ?? 100_000, 1);
  let schedules = 0;
  for (let path: Path | undefined = new Path(preemptions); path !== undefined; path = path.next()) {
    if (schedules === mostSchedules) {
      throw new RangeError(
        `There are more than ${mostSchedules} schedules: make the scope smaller, or \`mostSchedules\` larger`,
      );
    }
    schedules += 1;
    const explored: Path = path;
    const run = await runChoosing(scenario, explored, () => explored.taken);
    if (run.broken.length > 0)
      throw await counterexample(run, scenario, `Found after ${counted(schedules, "schedule")}.`);
  }
  return { schedules };
}

/** One choice that was made. */
interface Fork {
  readonly choice: Choice;
  readonly taken: number;
  /** How often something was interrupted before. */
  readonly preemptions: number;
}

/** A way through all choices: first as it was given, then always on. It knows which way comes next. */
class Path implements Chooser {
  readonly mayGoWrong = true;
  readonly #bound: number;
  readonly #given: Schedule;
  readonly #forks: Fork[] = [];

  constructor(bound: number, given: Schedule = []) {
    this.#bound = bound;
    this.#given = given;
  }

  get taken(): Schedule {
    return withoutCalm(this.#forks.map(({ taken }) => taken));
  }

  pick(choice: Choice): number {
    const before = this.#forks.at(-1);
    const preemptions = before === undefined ? 0 : after(before);
    const taken = this.#given[this.#forks.length] ?? 0;
    this.#forks.push({ choice, taken, preemptions });
    return taken;
  }

  /** The way that turns off as late as possible. */
  next(): Path | undefined {
    for (let depth = this.#forks.length - 1; depth >= 0; depth -= 1) {
      const fork = this.#forks[depth];
      if (fork === undefined) continue;
      for (let taken = fork.taken + 1; taken < fork.choice.count; taken += 1) {
        if (fork.choice.isAnswer && taken < fork.choice.calm) continue;
        if (after({ ...fork, taken }) > this.#bound) continue;
        return new Path(this.#bound, [...this.#forks.slice(0, depth).map((one) => one.taken), taken]);
      }
    }
    return undefined;
  }
}

function after({ choice, taken, preemptions }: Fork): number {
  return taken > 0 && taken < choice.timed ? preemptions + 1 : preemptions;
}
