/**
 * A schedule is data: small numbers that pick, again and again, what happens next. 0 goes on with the task that was at work; the
 * end of the list means 0 from then on. So a shorter list, and smaller numbers, are a calmer run: that is what shrinking finds.
 */
export type Schedule = readonly number[];

/** Reads a schedule, choice by choice. */
export class Choices {
  readonly #schedule: Schedule;
  #next = 0;

  constructor(schedule: Schedule) {
    this.#schedule = schedule;
  }

  /** The index of the next choice among `count` possibilities. */
  pick(count: number): number {
    const choice = this.#schedule[this.#next] ?? 0;
    this.#next += 1;
    return choice % count;
  }

  /** Whether the rest of the run is calm. */
  get isSpent(): boolean {
    return this.#next >= this.#schedule.length;
  }
}

/** `"0,8"` for `[0, 8]`: a schedule in a form that can be copied from a report. */
export function formatSchedule(schedule: Schedule): string {
  return schedule.join(",");
}

/** @throws {TypeError} for anything but whole numbers of at least 0 with commas between. */
export function parseSchedule(text: string): Schedule {
  if (text.trim() === "") return [];
  return text.split(",").map((part) => {
    if (!/^\s*\d{1,6}\s*$/.test(part)) {
      throw new TypeError(`Expected a schedule to be whole numbers with commas between, got \`${text}\` (string)`);
    }
    return Number(part);
  });
}
