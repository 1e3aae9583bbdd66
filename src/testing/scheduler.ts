import type { Clock } from "../clock.ts";
import { Choices, type Schedule } from "./schedule.ts";

/** Something that waits to happen. */
export interface Operation {
  /** The task it belongs to: a replica's delivery, or `environment`. */
  readonly task: string;
  readonly label: string;
  readonly run: () => void | Promise<void>;
}

/** What the world around the tasks may do. */
export interface Environment {
  /** What may go wrong now; offered while the schedule has something to say. */
  faults(): readonly Operation[];
  /** What must happen before the run can end. */
  needed(): readonly Operation[];
}

interface Timer {
  readonly task: string;
  readonly atMs: number;
  readonly order: number;
  readonly run: () => void;
}

/** What a run may take at most before it is called endless. */
const MOST_STEPS = 5_000;

/**
 * Runs tasks one operation at a time, in the order that a schedule says, on simulated time.
 *
 * Tasks are plain asynchronous code that awaits operations of the scheduler and nothing else. Between two operations everything
 * that can go on without one does so, until the event loop is empty; then the next is picked from those that wait. Passing time
 * is one of the choices: it goes to the next timer and runs what is due, promptly, unless the timer's task is frozen.
 */
export class Scheduler {
  readonly #choices: Choices;
  readonly #waiting = new Set<Operation>();
  readonly #timers = new Set<Timer>();
  readonly #frozen = new Set<string>();
  readonly #dead = new Set<string>();
  #nowMs = 0;
  #order = 0;
  #current = "";

  constructor(schedule: Schedule) {
    this.#choices = new Choices(schedule);
  }

  get nowMs(): number {
    return this.#nowMs;
  }

  /** Whether the rest of the run is calm: the schedule has no more to say. */
  get isCalm(): boolean {
    return this.#choices.isSpent;
  }

  /** Lets `operation` happen when the schedule says so; the returned function takes it back. */
  add(operation: Operation): () => void {
    this.#waiting.add(operation);
    return () => this.#waiting.delete(operation);
  }

  /** Resolves when the schedule lets it go on; never, when the task is dead by then. */
  pause(task: string, label: string): Promise<void> {
    return new Promise((resolve) => {
      this.add({ task, label, run: resolve });
    });
  }

  /** A clock that belongs to `task`, and dies with it. */
  clockOf(task: string): Clock {
    return {
      monotonicMs: () => this.#nowMs,
      wallMs: () => this.#nowMs,
      schedule: (delayMs, run) => {
        const timer = { task, atMs: this.#nowMs + Math.max(0, delayMs), order: this.#order++, run };
        this.#timers.add(timer);
        return () => this.#timers.delete(timer);
      },
    };
  }

  /** The task takes no further part: nothing of it that waits ever happens. */
  kill(task: string): void {
    this.#dead.add(task);
    this.#frozen.delete(task);
  }

  isDead(task: string): boolean {
    return this.#dead.has(task);
  }

  /** The task stands still, its timers too, while time goes on for the others. */
  freeze(task: string): void {
    this.#frozen.add(task);
  }

  thaw(task: string): void {
    this.#frozen.delete(task);
  }

  /** Lets time pass at once, running what falls due. */
  async passTime(ms: number): Promise<void> {
    const untilMs = this.#nowMs + ms;
    for (let next = this.#nextTimer(untilMs); next !== undefined; next = this.#nextTimer(untilMs)) {
      this.#nowMs = Math.max(this.#nowMs, next.atMs);
      this.#timers.delete(next);
      next.run();
      await settled();
    }
    this.#nowMs = untilMs;
  }

  /** Runs until nothing can happen any more; `onStep` hears of each operation before it runs. */
  async run(environment: Environment, onStep: (operation: Operation) => void): Promise<void> {
    for (let steps = 0; ; steps += 1) {
      await settled();
      if (steps > MOST_STEPS) throw new Error(`The run did not end within ${MOST_STEPS} steps`);
      const possible = this.#possible(environment);
      const picked = possible[this.#choices.pick(Math.max(1, possible.length))];
      if (picked === undefined) return;
      this.#waiting.delete(picked);
      this.#current = picked.task;
      onStep(picked);
      await picked.run();
    }
  }

  /** What can happen next; first of all what goes on with the task at work, then the others, time, and the environment. */
  #possible(environment: Environment): readonly Operation[] {
    const waiting = [...this.#waiting].filter(({ task }) => this.#isAwake(task));
    const own = waiting.filter(({ task }) => task === this.#current);
    const others = waiting.filter(({ task }) => task !== this.#current);
    const next = this.#nextTimer(Number.POSITIVE_INFINITY);
    const time: readonly Operation[] =
      next === undefined
        ? []
        : [{ task: "time", label: "time passes", run: () => this.passTime(Math.max(0, next.atMs - this.#nowMs)) }];
    const faults = this.#choices.isSpent ? [] : environment.faults();
    return [...own, ...others, ...environment.needed(), ...time, ...faults];
  }

  #isAwake(task: string): boolean {
    return !this.#dead.has(task) && !this.#frozen.has(task);
  }

  #nextTimer(untilMs: number): Timer | undefined {
    let next: Timer | undefined;
    for (const timer of this.#timers) {
      if (timer.atMs > untilMs || !this.#isAwake(timer.task)) continue;
      if (next === undefined || timer.atMs < next.atMs || (timer.atMs === next.atMs && timer.order < next.order)) {
        next = timer;
      }
    }
    return next;
  }
}

/** Resolves when all that could go on without an operation has: promises first, then whatever the event loop holds. */
async function settled(): Promise<void> {
  await new Promise((resolve) => {
    setImmediate(resolve);
  });
}
