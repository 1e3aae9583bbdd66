import type { Clock } from "../../internal/clock.ts";
import type { Chooser, OperationKind, Possibility } from "./schedule.ts";
import { TooManyStepsError } from "./too-many-steps-error.ts";
import { queueTurn } from "./turns.ts";
import { UncontrolledError } from "./uncontrolled-error.ts";

/** Something that can happen next. */
export interface ScheduledOperation extends Possibility {
  /** The task that it belongs to: a process, or a part of the environment. */
  readonly task: string;
  readonly label: string;
  readonly run: () => void | Promise<void>;
}

/** The environment of the tasks. */
export interface TaskEnvironment {
  /** Returns the faults that may happen now. */
  faults(): readonly ScheduledOperation[];
  /** Returns the operations that must happen before the run can end. */
  needed(): readonly ScheduledOperation[];
  /** Returns true once all deliveries are done. Background work, such as renewals, may go on without end. */
  isDone(): boolean;
  /** Returns true once the run is known to have no end. */
  isEndless(): boolean;
  /** Called after each operation. Returns true to end the run. */
  isBroken(): boolean;
}

interface Timer {
  readonly task: string;
  readonly atMs: number;
  readonly order: number;
  readonly run: () => void;
}

/** Time of the wall clocks at the start of a run. */
const STARTED_AT_MS = Date.UTC(2030, 0, 1);
/** Number of steps after which a run counts as endless. */
const MAX_STEPS = 5_000;
/** Number of readings of the clock in one turn after which a task counts as one that loops without end. */
const MAX_READINGS = 100_000;
/** Number of steps that a run continues after all deliveries are done. */
const MAX_STEPS_AFTERWARDS = 100;

/**
 * Runs tasks one operation at a time, in the order of a schedule, on simulated time.
 *
 * Tasks are asynchronous functions that await only operations of the scheduler. After each operation, all code runs that needs
 * no other operation. Then the chooser picks the next operation. One choice is to let time pass until the next timer is due,
 * unless the timer's task is frozen.
 *
 * One operation takes one turn of the event loop, between two immediates that are queued together:
 *
 *     check phase   [ operation ── its promises ── ][ quiet from here ]
 *     timers, poll  (code that calls the scheduler now was woken by real I/O)
 *     check phase   [ operation ── …
 */
export class Scheduler {
  readonly #chooser: Chooser<ScheduledOperation>;
  readonly #waiting = new Set<ScheduledOperation>();
  readonly #timers = new Set<Timer>();
  readonly #frozen = new Set<string>();
  readonly #dead = new Set<string>();
  #nowMs = 0;
  #order = 0;
  #current = "";
  #interventions = 0;
  #isQuiet = false;
  /** Number of readings of the clock in this turn. */
  #readings = 0;
  /** Work of the host that the run waits for. */
  #hosted: Promise<unknown>[] = [];
  #isHosting = false;
  #failure: { readonly error: unknown } | undefined;

  constructor(chooser: Chooser<ScheduledOperation>) {
    this.#chooser = chooser;
  }

  get nowMs(): number {
    return this.#nowMs;
  }

  /** Number of times that the schedule picked another operation than a calm run would. */
  get interventions(): number {
    return this.#interventions;
  }

  /** The task that ran last. */
  get runningTask(): string {
    return this.#current;
  }

  /** Offers `operation` to the schedule. The returned function withdraws it. */
  add(operation: ScheduledOperation): () => void {
    this.expectControlled(operation.task, operation.label);
    this.#waiting.add(operation);
    return () => this.#waiting.delete(operation);
  }

  /** Fails the run if a task does something although the scheduler did not wake it. */
  expectControlled(task: string, what: string): void {
    if (!this.#isQuiet || this.#isHosting) return;
    const woken = `The handler on ${task} was woken by something that the simulation does not control, and then ran`;
    this.fail(new UncontrolledError(`${woken} \`${what}\``));
  }

  /** Ends the run with an error. */
  fail(error: unknown): void {
    this.#failure ??= { error };
  }

  /** Resolves when the schedule continues the task. Never resolves if the task has died. */
  pause(kind: OperationKind, task: string, label: string): Promise<void> {
    return new Promise((resolve) => {
      this.add({ kind, task, label, run: resolve });
    });
  }

  /** Runs real asynchronous work between two operations. */
  async hosting<Value>(work: () => Value | PromiseLike<Value>): Promise<Value> {
    this.#isHosting = true;
    try {
      return await work();
    } finally {
      this.#isHosting = false;
    }
  }

  /** Runs real asynchronous work of a task. The simulation waits until it has settled. */
  host<Value>(work: () => Value | PromiseLike<Value>): Promise<Value> {
    this.#isHosting = true;
    const hosted = Promise.resolve().then(work);
    this.#hosted.push(hosted);
    return hosted;
  }

  /**
   * Returns a clock whose timers belong to `task` and die with it.
   * @param wallAheadMs is by how much its wall clock is ahead of the others.
   */
  clockOf(task: string, wallAheadMs = 0): Clock {
    return {
      monotonicMs: () => this.#readBy(task),
      wallMs: () => STARTED_AT_MS + wallAheadMs + this.#readBy(task),
      schedule: (delayMs, run) => {
        this.expectControlled(task, "clock.schedule");
        const timer = { task, atMs: this.#nowMs + Math.max(0, delayMs), order: this.#order++, run };
        this.#timers.add(timer);
        return () => this.#timers.delete(timer);
      },
    };
  }

  /**
   * Returns the time to a task.
   * @throws {TooManyStepsError} to a task that reads it again and again in one turn, which would never end.
   */
  #readBy(task: string): number {
    if (++this.#readings > MAX_READINGS) {
      const loop = `The handler on ${task} repeats its work without end, and waits for nothing that takes time`;
      const error = new TooManyStepsError(`${loop}. Return \`pending\`, or wait with \`clock\` before it tries again`);
      this.fail(error);
      throw error;
    }
    return this.#nowMs;
  }

  /** Ends a task: none of its waiting operations and timers ever run. */
  kill(task: string): void {
    this.#dead.add(task);
    this.#frozen.delete(task);
    for (const operation of this.#waiting) if (operation.task === task) this.#waiting.delete(operation);
    for (const timer of this.#timers) if (timer.task === task) this.#timers.delete(timer);
  }

  isDead(task: string): boolean {
    return this.#dead.has(task);
  }

  /** True if the task is neither dead nor frozen. */
  isAwake(task: string): boolean {
    return !this.#dead.has(task) && !this.#frozen.has(task);
  }

  /** Stops a task and its timers, while time passes for the others. */
  freeze(task: string): void {
    this.#frozen.add(task);
  }

  thaw(task: string): void {
    this.#frozen.delete(task);
  }

  /** Lets time pass, and runs the timers that become due. */
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
   * Runs until nothing can happen any more, or all deliveries have been done for a while.
   * @returns `false` if the run has no end, or took too many steps.
   * @throws {UncontrolledError} when something real woke a task.
   */
  async run(environment: TaskEnvironment): Promise<boolean> {
    for (let steps = 0, afterwards = 0; steps <= MAX_STEPS; steps += 1) {
      await this.#turn();
      await this.#hostWork();
      if (this.#failure !== undefined) throw this.#failure.error;
      if (environment.isBroken()) return true;
      if (environment.isEndless()) return false;
      afterwards = environment.isDone() ? afterwards + 1 : 0;
      const picked = afterwards > MAX_STEPS_AFTERWARDS ? undefined : this.#pick(environment);
      if (picked === undefined) return true;
      this.#waiting.delete(picked);
      this.#current = picked.task;
      await picked.run();
    }
    return false;
  }

  async #hostWork(): Promise<void> {
    while (this.#hosted.length > 0) {
      const hosted = this.#hosted;
      this.#hosted = [];
      await Promise.allSettled(hosted);
      await this.#turn();
    }
    this.#isHosting = false;
  }

  /** Orders the operations: the running task, newest first; other tasks and the environment; passing time; faults. */
  #pick(environment: TaskEnvironment): ScheduledOperation | undefined {
    const possible: ScheduledOperation[] = [];
    for (const operation of this.#waiting) if (this.#isRunning(operation)) possible.unshift(operation);
    const own = possible.length;
    for (const operation of this.#waiting) {
      if (!this.#isRunning(operation) && this.isAwake(operation.task)) possible.push(operation);
    }
    possible.push(...environment.needed());
    const calm = possible.length;
    const next = this.#nextTimer(Number.POSITIVE_INFINITY);
    if (next !== undefined) {
      possible.push({
        kind: "time",
        task: "time",
        label: "time passes",
        run: () => this.passTime(Math.max(0, next.atMs - this.#nowMs)),
      });
    }
    const timed = possible.length;
    if (timed === 0) return undefined;
    if (this.#chooser.mayFail) possible.push(...environment.faults());
    const isResponse = own === 1 && possible[0]?.kind === "response";
    const choice = { count: possible.length, calm, timed, isResponse, operations: possible };
    const picked = this.#chooser.pick(choice);
    if (picked > 0) this.#interventions += 1;
    return possible[picked];
  }

  #isRunning({ task }: ScheduledOperation): boolean {
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

  /** Resolves in a new turn of the event loop. All code that the scheduler wakes finishes within that turn. */
  #turn(): Promise<void> {
    return new Promise((resolve) => {
      queueTurn(() => {
        this.#isQuiet = false;
        this.#readings = 0;
        resolve();
      });
      queueTurn(() => {
        this.#isQuiet = true;
      });
    });
  }
}
