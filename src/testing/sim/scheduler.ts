import { setImmediate } from "node:timers";
import type { Clock } from "../../internal/clock.ts";
import type { Chooser } from "./schedule.ts";
import { UncontrolledError } from "./uncontrolled.ts";

/** Something that waits to happen. */
export interface Operation {
  /** The task it belongs to: a process, or a part of the world around them. */
  readonly task: string;
  readonly label: string;
  /** An answer that has come and waits to be read: only its own task can tell whether it is read now or later. */
  readonly isAnswer?: boolean;
  readonly run: () => void | Promise<void>;
}

/** What the world around the tasks may do. */
export interface Environment {
  /** What may go wrong now. */
  faults(): readonly Operation[];
  /** What must happen before the run can end. */
  needed(): readonly Operation[];
  /** Whether all is done that the run is about; what goes on then, such as the renewal of a lease, may never end. */
  isDone(): boolean;
}

interface Timer {
  readonly task: string;
  readonly atMs: number;
  readonly order: number;
  readonly run: () => void;
}

/** What a run may take at most before it is called endless. */
const MOST_STEPS = 5_000;
/** How long what goes on afterwards is looked at. */
const MOST_STEPS_AFTERWARDS = 100;

/**
 * Runs tasks one operation at a time, in the order that a schedule says, on simulated time.
 *
 * Tasks are plain asynchronous code that awaits operations of the scheduler and nothing else. After each operation everything
 * that can go on without another does so; then the next is picked from those that wait. Passing time is one of the choices: it
 * goes to the next timer and runs what is due, promptly, unless the timer's task is frozen.
 *
 * One operation is one turn of the event loop, between two immediates that were queued together:
 *
 *     check phase   [ operation ── its promises ── ][ quiet from here ]
 *     timers, poll  (whatever calls in now was woken by something real)
 *     check phase   [ operation ── …
 */
export class Scheduler {
  readonly #chooser: Chooser;
  readonly #waiting = new Set<Operation>();
  readonly #timers = new Set<Timer>();
  readonly #frozen = new Set<string>();
  readonly #dead = new Set<string>();
  #nowMs = 0;
  #order = 0;
  #current = "";
  #interventions = 0;
  #isQuiet = false;
  #failure: { readonly error: unknown } | undefined;

  constructor(chooser: Chooser) {
    this.#chooser = chooser;
  }

  get nowMs(): number {
    return this.#nowMs;
  }

  /** How often the schedule wanted something else than what would come next in a calm run. */
  get interventions(): number {
    return this.#interventions;
  }

  /** The task that went on last. */
  get atWork(): string {
    return this.#current;
  }

  /** Lets `operation` happen when the schedule says so; the returned function takes it back. */
  add(operation: Operation): () => void {
    this.notice(operation.task, operation.label);
    this.#waiting.add(operation);
    return () => this.#waiting.delete(operation);
  }

  /** Says that a task does something: that is an error unless the scheduler woke it. */
  notice(task: string, what: string): void {
    if (!this.#isQuiet) return;
    const woken = `The handler on ${task} was woken by something that the simulation does not control, and went on to`;
    this.fail(new UncontrolledError(`${woken} \`${what}\``));
  }

  /** Ends the run with an error. */
  fail(error: unknown): void {
    this.#failure ??= { error };
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
        this.notice(task, "clock.schedule");
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
    for (const operation of this.#waiting) if (operation.task === task) this.#waiting.delete(operation);
    for (const timer of this.#timers) if (timer.task === task) this.#timers.delete(timer);
  }

  isDead(task: string): boolean {
    return this.#dead.has(task);
  }

  /** Whether the task is neither dead nor frozen. */
  isAwake(task: string): boolean {
    return !this.#dead.has(task) && !this.#frozen.has(task);
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
      await this.#turn();
    }
    this.#nowMs = untilMs;
  }

  /**
   * Runs until nothing can happen any more, or all has been done for long.
   * @returns whether it came to its end; `false` when it took too many steps.
   * @throws {UncontrolledError} when a task did something that no operation led to.
   */
  async run(environment: Environment): Promise<boolean> {
    for (let steps = 0, afterwards = 0; steps <= MOST_STEPS; steps += 1) {
      await this.#turn();
      if (this.#failure !== undefined) throw this.#failure.error;
      afterwards = environment.isDone() ? afterwards + 1 : 0;
      const picked = afterwards > MOST_STEPS_AFTERWARDS ? undefined : this.#pick(environment);
      if (picked === undefined) return true;
      this.#waiting.delete(picked);
      this.#current = picked.task;
      await picked.run();
    }
    return false;
  }

  /** First of all what goes on with the task at work, the newest first; then the others and the world, time, and faults. */
  #pick(environment: Environment): Operation | undefined {
    const possible: Operation[] = [];
    for (const operation of this.#waiting) if (this.#isAtWork(operation)) possible.unshift(operation);
    const own = possible.length;
    for (const operation of this.#waiting) {
      if (!this.#isAtWork(operation) && this.isAwake(operation.task)) possible.push(operation);
    }
    possible.push(...environment.needed());
    const calm = possible.length;
    const next = this.#nextTimer(Number.POSITIVE_INFINITY);
    if (next !== undefined) {
      possible.push({
        task: "time",
        label: "time passes",
        run: () => this.passTime(Math.max(0, next.atMs - this.#nowMs)),
      });
    }
    const timed = possible.length;
    if (timed === 0) return undefined;
    if (this.#chooser.mayGoWrong) possible.push(...environment.faults());
    const isAnswer = own === 1 && possible[0]?.isAnswer === true;
    const picked = this.#chooser.pick({ count: possible.length, calm, timed, isAnswer });
    if (picked > 0) this.#interventions += 1;
    return possible[picked];
  }

  #isAtWork({ task }: Operation): boolean {
    return task === this.#current && this.isAwake(task);
  }

  #nextTimer(untilMs: number): Timer | undefined {
    let next: Timer | undefined;
    for (const timer of this.#timers) {
      if (timer.atMs > untilMs || !this.isAwake(timer.task)) continue;
      if (next === undefined || timer.atMs < next.atMs || (timer.atMs === next.atMs && timer.order < next.order)) {
        next = timer;
      }
    }
    return next;
  }

  /** Resolves in a new turn of the event loop, at whose end nothing is left that the scheduler woke. */
  #turn(): Promise<void> {
    return new Promise((resolve) => {
      setImmediate(() => {
        this.#isQuiet = false;
        resolve();
      });
      setImmediate(() => {
        this.#isQuiet = true;
      });
    });
  }
}
