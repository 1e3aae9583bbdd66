import { expected } from "../../internal/validate.ts";
import type { FaultName } from "./faults.ts";

/**
 * List of small numbers, each of which picks one of the operations that can happen next. 0 continues the running task. After the end
 * of the list, every choice is 0. Shorter lists and smaller numbers give simpler runs, which is what shrinking looks for.
 */
export type Schedule = readonly number[];

/** An operation, as a chooser sees it. */
export interface Possibility {
  /** Kind of the operation. */
  readonly kind: OperationKind;
  /** Fault that the operation is, if it is one. */
  readonly fault?: FaultName;
}

/** A request that reaches the store, a response that reaches its task, a step of an effect, and so on. */
export type OperationKind =
  | "request"
  | "response"
  | "effect begin"
  | "effect end"
  | "delivery"
  | "time"
  | "fault"
  | "other";

/**
 * The number of operations that can happen next. They are in this order: the one that happens in a calm run, other work of the
 * tasks and the broker, passing time, faults.
 */
export interface Choice<Item extends Possibility = Possibility> {
  /** Number of all operations, at least 1. */
  readonly count: number;
  /** Number of operations that are work. They come first. */
  readonly calm: number;
  /** The same, plus one if time can pass. */
  readonly timed: number;
  /** True if the first operation reads a response that has arrived. No other task can tell when that happens. */
  readonly isResponse: boolean;
  /** All operations, in their order. */
  readonly operations: readonly Item[];
}

/** Picks what happens next. */
export interface Chooser<Item extends Possibility = Possibility> {
  /** Returns the number of the operation to run, from 0 to `count - 1`. */
  pick(choice: Choice<Item>): number;
  /** False once no more faults may happen, so that the run can end. */
  readonly mayFail: boolean;
}

/** Picks what a schedule says. */
export class ScheduleFollower implements Chooser {
  readonly #schedule: Schedule;
  readonly #taken: number[] = [];
  #next = 0;

  constructor(schedule: Schedule) {
    this.#schedule = schedule;
  }

  pick({ count }: Choice): number {
    const choice = (this.#schedule[this.#next] ?? 0) % count;
    if (this.mayFail) this.#taken.push(choice);
    this.#next += 1;
    return choice;
  }

  /** The schedule with the smallest numbers that pick the same. */
  get taken(): Schedule {
    return withoutTrailingZeros(this.#taken);
  }

  get mayFail(): boolean {
    return this.#next < this.#schedule.length;
  }
}

/** Removes the zeros at the end, which the end of the list implies. */
export function withoutTrailingZeros(schedule: Schedule): Schedule {
  return schedule.slice(0, schedule.findLastIndex((choice) => choice !== 0) + 1);
}

/** Formats a schedule for reports: `"0,8"` for `[0, 8]`. */
export function formatSchedule(schedule: Schedule): string {
  return schedule.join(",");
}

/** @throws {TypeError} when the text is not a list of whole numbers of at least 0, separated by commas. */
export function parseSchedule(text: string): Schedule {
  if (text.trim() === "") return [];
  return text.split(",").map((part) => {
    if (!/^\s*\d{1,6}\s*$/.test(part)) {
      throw new TypeError(expected("schedule", "whole numbers separated by commas", text));
    }
    return Number(part);
  });
}
