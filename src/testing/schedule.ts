import { expected } from "../arguments.ts";

/**
 * A schedule is data: small numbers that pick, again and again, what happens next. 0 goes on with the task that was at work; the
 * end of the list means 0 from then on. So a shorter list, and smaller numbers, are a calmer run: that is what shrinking finds.
 */
export type Schedule = readonly number[];

/** What can happen next, as far as choosing goes. */
export interface Choice {
  /** How many possibilities there are, at least 1. */
  readonly count: number;
  /** Whether a possibility interrupts something that could have gone on. */
  interrupts(index: number): boolean;
}

/** Picks what happens next. */
export interface Chooser {
  pick(choice: Choice): number;
  /** Whether things may still go wrong; without that, all that is left is to come to an end. */
  readonly mayGoWrong: boolean;
}

/** Follows a schedule. */
export class Follower implements Chooser {
  readonly #schedule: Schedule;
  #next = 0;

  constructor(schedule: Schedule) {
    this.#schedule = schedule;
  }

  pick({ count }: Choice): number {
    const choice = this.#schedule[this.#next] ?? 0;
    this.#next += 1;
    return choice % count;
  }

  get mayGoWrong(): boolean {
    return this.#next < this.#schedule.length;
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
      throw new TypeError(expected("schedule", "whole numbers with commas between", text));
    }
    return Number(part);
  });
}
