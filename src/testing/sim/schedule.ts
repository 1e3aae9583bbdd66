import { expected } from "../../internal/validate.ts";

/**
 * A schedule is data: small numbers that pick, again and again, what happens next. 0 goes on with the task that was at work; the
 * end of the list means 0 from then on. So a shorter list, and smaller numbers, are a calmer run: that is what shrinking finds.
 */
export type Schedule = readonly number[];

/**
 * What can happen next, as far as choosing goes. The possibilities stand in this order: what would happen in a calm run, then
 * whatever else may go on, then time, then what may go wrong.
 */
export interface Choice {
  /** How many possibilities there are, at least 1. */
  readonly count: number;
  /** How many of them, the first ones, are that something goes on. */
  readonly calm: number;
  /** The same, with time if it can pass. */
  readonly timed: number;
  /** Whether the first is that a task reads an answer which has come: nobody else can tell whether it does so now or later. */
  readonly isAnswer: boolean;
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
  readonly #taken: number[] = [];
  #next = 0;

  constructor(schedule: Schedule) {
    this.#schedule = schedule;
  }

  pick({ count }: Choice): number {
    const choice = (this.#schedule[this.#next] ?? 0) % count;
    if (this.mayGoWrong) this.#taken.push(choice);
    this.#next += 1;
    return choice;
  }

  /** The same schedule with the smallest numbers that choose the same. */
  get taken(): Schedule {
    return withoutCalm(this.#taken);
  }

  get mayGoWrong(): boolean {
    return this.#next < this.#schedule.length;
  }
}

/** Without the zeros at the end: they are what the end of the list means. */
export function withoutCalm(schedule: Schedule): Schedule {
  return schedule.slice(0, schedule.findLastIndex((choice) => choice !== 0) + 1);
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
