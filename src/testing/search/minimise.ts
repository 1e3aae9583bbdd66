import { pseudoRandom } from "../../internal/pseudo-random.ts";
import type { Run } from "../report/run.ts";
import type { Scenario } from "../sim/scenario.ts";
import { type Chooser, formatSchedule, parseSchedule, type Schedule } from "../sim/schedule.ts";
import { TooManyStepsError } from "../sim/too-many-steps-error.ts";
import { RandomChooser } from "./random-chooser.ts";
import { runChoosing, runSchedule } from "./run-schedule.ts";

/** Amount by which a number may grow, since the rest of the run may become simpler. */
const MAX_INCREASE = 3;
/** Maximum number of runs in a descent, and in all descents from fresh starts together. */
const MAX_RUNS = 3_000;
/** Number of random runs without faults that are tried as new starts. */
const FRESH_STARTS = 1_000;

/**
 * Returns the smallest run found that breaks something: the one with the fewest deliveries, faults and context switches, and then
 * the shortest schedule. It shortens the schedule and changes its numbers while that helps. It also tries all schedules with one
 * departure from a calm run, and random runs without faults. The result may break another guarantee than the given run. The
 * user's own condition is never exchanged for a guarantee, or the reverse.
 */
export async function minimise(scenario: Scenario, found: Run): Promise<Run> {
  const descent = new Descent(scenario, found, new RunBudget());
  await descent.descend();
  for (const schedule of await departures(scenario)) await descent.tryOut(schedule);
  await descent.descend();
  if (departuresIn(descent.smallest) > 1) await startFresh(scenario, descent);
  return descent.smallest;
}

/** Descends from random runs that break something. */
async function startFresh(scenario: Scenario, descent: Descent): Promise<void> {
  const next = pseudoRandom(1);
  const budget = new RunBudget();
  for (let start = 0; start < FRESH_STARTS && !budget.isSpent; start += 1) {
    const chooser = new RandomChooser(next(), []);
    const run = await ended(runChoosing(scenario, chooser, () => chooser.taken));
    if (run === undefined || !breaksTheSame(run, descent.smallest)) continue;
    const other = new Descent(scenario, run, budget);
    await other.descend();
    descent.accept(other.smallest);
  }
}

/** Counts down from {@link MAX_RUNS}. */
class RunBudget {
  #left = MAX_RUNS;

  get isSpent(): boolean {
    return this.#left === 0;
  }

  spend(): void {
    this.#left -= 1;
  }
}

class Descent {
  smallest: Run;
  readonly #scenario: Scenario;
  readonly #budget: RunBudget;
  readonly #tried = new Set<string>();

  constructor(scenario: Scenario, found: Run, budget: RunBudget) {
    this.#scenario = scenario;
    this.smallest = found;
    this.#budget = budget;
  }

  async descend(): Promise<void> {
    for (let isBetter = true; isBetter; ) {
      isBetter = false;
      for (const schedule of simpler(parseSchedule(this.smallest.schedule))) {
        isBetter = await this.tryOut(schedule);
        if (isBetter) break;
      }
    }
  }

  /** Returns whether the schedule gives a smaller run that breaks something. */
  async tryOut(schedule: Schedule): Promise<boolean> {
    const name = formatSchedule(schedule);
    if (this.#tried.has(name) || this.#budget.isSpent) return false;
    this.#tried.add(name);
    this.#budget.spend();
    const run = await ended(runSchedule(this.#scenario, schedule));
    return run !== undefined && this.accept(run);
  }

  accept(run: Run): boolean {
    if (!breaksTheSame(run, this.smallest) || !isSmaller(costOf(run), costOf(this.smallest))) return false;
    this.smallest = run;
    return true;
  }
}

/** Returns nothing for a run that does not end. */
async function ended(running: Promise<Run>): Promise<Run | undefined> {
  try {
    return await running;
  } catch (error) {
    if (error instanceof TooManyStepsError) return undefined;
    throw error;
  }
}

function breaksTheSame(one: Run, other: Run): boolean {
  const [first] = one.violations;
  return first !== undefined && (first.guarantee === "holds") === (other.violations[0]?.guarantee === "holds");
}

/** Returns how often a run departs from the calm run. */
function departuresIn(run: Run): number {
  return parseSchedule(run.schedule).filter((choice) => choice > 0).length;
}

/** Returns the schedules with one departure from the calm run. */
async function departures(scenario: Scenario): Promise<readonly Schedule[]> {
  const counts: number[] = [];
  const calm: Chooser = {
    mayFail: true,
    pick({ count }) {
      counts.push(count);
      return 0;
    },
  };
  await runChoosing(scenario, calm, () => []);
  return counts.flatMap((count, at) =>
    Array.from({ length: count - 1 }, (_, choice) => [...Array.from({ length: at }, () => 0), choice + 1]),
  );
}

/** Yields simpler schedules: first shorter ones, the shortest first, then those with one other number. */
function* simpler(schedule: Schedule): Iterable<Schedule> {
  for (let length = schedule.length; length >= 1; length = Math.floor(length / 2)) {
    for (let from = 0; from < schedule.length; from += length) {
      const rest = schedule.slice(from + length);
      yield [...schedule.slice(0, from), ...rest];
      yield [
        ...schedule.slice(0, from),
        ...Array.from({ length: schedule.length - from - rest.length }, () => 0),
        ...rest,
      ];
    }
  }
  for (const [index, choice] of schedule.entries()) {
    for (let other = 0; other <= choice + MAX_INCREASE; other += 1) {
      if (other !== choice) yield schedule.with(index, other);
    }
  }
}

/** Returns the measures to minimise, the most important first. */
function costOf(run: Run): readonly number[] {
  const schedule = parseSchedule(run.schedule);
  const sum = schedule.reduce((total, choice) => total + choice, 0);
  const { deliveries, faults, overlaps, contextSwitches, history } = run;
  return [deliveries, faults.length, overlaps, contextSwitches, history.length, schedule.length, sum];
}

function isSmaller(one: readonly number[], other: readonly number[]): boolean {
  const at = one.findIndex((part, index) => part !== other[index]);
  return at !== -1 && Number(one[at]) < Number(other[at]);
}
