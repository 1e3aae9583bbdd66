import { type Run, runChoosing, runSchedule } from "../report/run.ts";
import { type Chooser, formatSchedule, parseSchedule, type Schedule } from "../sim/schedule.ts";
import type { Scenario } from "../sim/simulate.ts";
import { numbersFrom } from "./numbers.ts";
import { LONGEST, MOST, Searcher } from "./searcher.ts";

/** How much larger a choice may be made: what follows may be simpler. */
const LARGER = 3;
/** More are not tried: what is found by then is small. */
const MOST_RUNS = 3_000;
/** How many runs without any fault are tried for a lesser one. */
const FRESH_STARTS = 1_000;

/**
 * The least run that breaks something: with the fewest deliveries, faults and context switches, and of those the one with the
 * shortest schedule. Found by leaving out parts of the schedule and changing its numbers, for as long as it helps; by trying all
 * schedules that depart once from a calm run; and where that was not enough, by starting anew from runs in which nothing goes
 * wrong. What is less may break another guarantee, but not the user's own condition instead of a guarantee, or the reverse.
 */
export async function minimise(scenario: Scenario, found: Run): Promise<Run> {
  const descent = new Descent(scenario, found);
  await descent.descend();
  for (const schedule of await departures(scenario)) await descent.tryOut(schedule);
  await descent.descend();
  if (departuresIn(descent.least) > 1) await startAnew(scenario, descent);
  return descent.least;
}

/** Descends from other runs that break something, too. */
async function startAnew(scenario: Scenario, descent: Descent): Promise<void> {
  const next = numbersFrom(1);
  for (let start = 0; start < FRESH_STARTS; start += 1) {
    const numbers = Array.from({ length: 1 + (next() % LONGEST) }, () => next() % (MOST + 1));
    const searcher = new Searcher(numbers, "none");
    const run = await runChoosing(scenario, searcher, () => searcher.taken);
    if (!breaksTheSame(run, descent.least)) continue;
    const other = new Descent(scenario, run);
    await other.descend();
    descent.accept(other.least);
  }
}

class Descent {
  least: Run;
  readonly #scenario: Scenario;
  readonly #tried = new Set<string>();

  constructor(scenario: Scenario, found: Run) {
    this.#scenario = scenario;
    this.least = found;
  }

  async descend(): Promise<void> {
    for (let isBetter = true; isBetter; ) {
      isBetter = false;
      for (const schedule of simpler(parseSchedule(this.least.schedule))) {
        isBetter = await this.tryOut(schedule);
        if (isBetter) break;
      }
    }
  }

  /** Whether the schedule breaks the same in a lesser run. */
  async tryOut(schedule: Schedule): Promise<boolean> {
    const name = formatSchedule(schedule);
    if (this.#tried.has(name) || this.#tried.size >= MOST_RUNS) return false;
    this.#tried.add(name);
    return this.accept(await runSchedule(this.#scenario, schedule));
  }

  accept(run: Run): boolean {
    if (!breaksTheSame(run, this.least) || !isLess(costOf(run), costOf(this.least))) return false;
    this.least = run;
    return true;
  }
}

function breaksTheSame(one: Run, other: Run): boolean {
  const [first] = one.broken;
  return first !== undefined && (first.guarantee === "holds") === (other.broken[0]?.guarantee === "holds");
}

/** How often a run is not what it would be by itself. */
function departuresIn(run: Run): number {
  return parseSchedule(run.schedule).filter((choice) => choice > 0).length;
}

/** The schedules with one choice that is not calm. */
async function departures(scenario: Scenario): Promise<readonly Schedule[]> {
  const counts: number[] = [];
  const calm: Chooser = {
    mayGoWrong: true,
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

/** The schedule with less in it, the boldest attempts first; then with other numbers. */
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
    for (let other = 0; other <= choice + LARGER; other += 1) {
      if (other !== choice) yield schedule.with(index, other);
    }
  }
}

/** What is to be small, the most important first. */
function costOf(run: Run): readonly number[] {
  const schedule = parseSchedule(run.schedule);
  const sum = schedule.reduce((total, choice) => total + choice, 0);
  const { deliveries, faults, overlaps, contextSwitches, history } = run;
  return [deliveries, faults.length, overlaps, contextSwitches, history.length, schedule.length, sum];
}

function isLess(one: readonly number[], other: readonly number[]): boolean {
  const at = one.findIndex((part, index) => part !== other[index]);
  return at !== -1 && (one[at] ?? 0) < (other[at] ?? 0);
}
