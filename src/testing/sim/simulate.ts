import type { History, HistoryLine } from "../../history/history.ts";
import type { Clock } from "../../internal/clock.ts";
import type { Change, Store } from "../../model/store.ts";
import { HistoryRecorder } from "../record/history-recorder.ts";
import { Broker, type Recipient } from "./broker.ts";
import { EffectTable } from "./effect-table.ts";
import { Effects } from "./effects.ts";
import { Budget, type FaultBudget, type FaultName } from "./faults.ts";
import type { HandleDelivery, HandlerSetup, MessageContent, Replica } from "./handler.ts";
import { IdleRenewals } from "./idle-renewals.ts";
import { kvEntryOf, kvOf } from "./kv.ts";
import { Network } from "./network.ts";
import { type Choice, type Chooser, type Schedule, ScheduleFollower } from "./schedule.ts";
import { type Operation, Scheduler } from "./scheduler.ts";
import { SharedRegister } from "./shared-register.ts";
import { UncontrolledError } from "./uncontrolled-error.ts";

/** Sets up one run: makes its world, and returns how to start its processes. */
export type SetUpRun = () => {
  /** Starts a process. */
  readonly start: HandlerSetup;
  /** Rejects when the user's condition does not hold after the run. */
  readonly holds: (history: History) => Promise<void>;
  /** Throws when the user's invariant does not hold after a step. */
  readonly check: (history: History) => void;
};

/** The settings of a simulation. */
export interface Scenario {
  readonly setUp: SetUpRun;
  readonly replicas: number;
  readonly events: number;
  /** Number of messages for each event. */
  readonly copies: number;
  /** Number of deliveries that a process handles at a time. */
  readonly concurrency: number;
  readonly faults: FaultBudget;
  /** Time without an answer after which a message is delivered again, in milliseconds. */
  readonly ackWaitMs: number;
  /** Length of a clock jump and of an outage, in milliseconds. A clock jump may also have half that length. */
  readonly jumpMs: number;
  /** Returns the content of one message of an event. */
  readonly message: (event: string, copy: number) => MessageContent;
  /** Number of deliveries after which a message becomes a dead letter. */
  readonly maxDeliver: number;
  /** By how much the wall clocks of `R1`, `R2`, … are ahead, in milliseconds. */
  readonly clocksAheadMs: readonly number[];
  /** Names of the effects that every acknowledged event must have had. */
  readonly effects: readonly string[];
  /** Makes the store that the processes of a run share. */
  readonly store: (clock: Clock) => Store;
}

/** The history of a run, and the check of the user's condition. */
export interface SimulatedRun {
  readonly history: History;
  /** False if the run would not end, so that its history is incomplete. */
  readonly hasEnded: boolean;
  /** Rejects when the user's condition does not hold. */
  readonly holds: () => Promise<void>;
  /** Error of the user's invariant, which ended the run. */
  readonly broken?: { readonly error: unknown };
}

/** A run did not end within the limit of steps. */
export class TooManyStepsError extends RangeError {
  override readonly name = "TooManyStepsError";

  constructor() {
    super("The run did not end within the limit of steps. Make the scope smaller, or look for work that never ends");
  }
}

/**
 * Runs a handler under a schedule. Processes, deliveries, store, effects, faults and time are simulated.
 * @throws {UncontrolledError} when the handler awaits something that is not simulated.
 * @throws {TypeError} when the handler's reply is not a `Reply`.
 * @throws {TooManyStepsError} when the run does not end.
 */
export async function simulate(scenario: Scenario, schedule: Schedule): Promise<SimulatedRun> {
  const run = await simulateChoosing(scenario, new ScheduleFollower(schedule));
  if (!run.hasEnded) throw new TooManyStepsError();
  return run;
}

/** Runs a handler like {@link simulate}, with the choices of a chooser. Returns a run that does not end with `hasEnded: false`. */
export async function simulateChoosing(scenario: Scenario, chooser: Chooser): Promise<SimulatedRun> {
  return new Simulation(scenario, chooser).run();
}

/** A run up to the first choice that its schedule does not make. */
export interface PartialRun {
  readonly history: History;
  /** Operations that can happen next, in the order of a schedule's numbers. Empty if the run has ended. */
  readonly possible: readonly Operation[];
}

/** Runs a schedule up to its end, and returns what can happen next. */
export async function simulatePartly(scenario: Scenario, schedule: Schedule): Promise<PartialRun> {
  const chooser = new PausingFollower(schedule);
  const simulation = new Simulation(scenario, chooser);
  try {
    const { history } = await simulation.run();
    return { history, possible: [] };
  } catch (error) {
    if (!(error instanceof Pause)) throw error;
    return { history: simulation.history, possible: error.operations };
  }
}

/** Thrown where a schedule ends. */
class Pause extends Error {
  readonly operations: readonly Operation[];

  constructor(operations: readonly Operation[]) {
    super("The schedule has ended");
    this.operations = operations;
  }
}

class PausingFollower implements Chooser<Operation> {
  readonly mayFail = true;
  readonly #schedule: Schedule;
  #next = 0;

  constructor(schedule: Schedule) {
    this.#schedule = schedule;
  }

  pick({ count, operations }: Choice<Operation>): number {
    const choice = this.#schedule[this.#next];
    if (choice === undefined) throw new Pause(operations);
    this.#next += 1;
    return choice % count;
  }
}

interface Process extends Recipient {
  readonly name: string;
  readonly incarnation: number;
  readonly handle: HandleDelivery;
}

class Simulation {
  readonly #scenario: Scenario;
  readonly #scheduler: Scheduler;
  readonly #budget: Budget;
  readonly #store: Store;
  readonly #register: SharedRegister;
  readonly #network: Network;
  readonly #broker: Broker;
  readonly #effects: Effects;
  readonly #effectTable = new EffectTable();
  readonly #setUp: ReturnType<SetUpRun>;
  readonly #history: HistoryLine[] = [{ type: "history", version: 1, clock: "simulated" }];
  readonly #processes: Process[] = [];
  readonly #idleRenewals = new IdleRenewals();
  readonly #over = new AbortController();
  #frozen: Process | undefined;
  #ids = 0;
  #broken: { readonly error: unknown } | undefined;

  constructor(scenario: Scenario, chooser: Chooser<Operation>) {
    this.#scenario = scenario;
    this.#scheduler = new Scheduler(chooser);
    this.#budget = new Budget(scenario.faults, (fault, task) => this.#recorderOf(task).note({ type: "fault", fault }));
    this.#store = scenario.store(this.#scheduler.clockOf("store"));
    this.#register = new SharedRegister(this.#store);
    this.#network = new Network(this.#scheduler, this.#register, this.#budget, scenario.jumpMs);
    this.#broker = new Broker(this.#scheduler, this.#budget, scenario);
    this.#effects = new Effects(this.#scheduler, this.#budget);
    this.#setUp = scenario.setUp();
  }

  get history(): History {
    return this.#history;
  }

  async run(): Promise<SimulatedRun> {
    const watched = this.#watch();
    let hasEnded: boolean;
    try {
      for (let index = 1; index <= this.#scenario.replicas; index += 1) await this.#start(`R${index}`, 1);
      hasEnded = await this.#scheduler.run({
        faults: () => this.#faults(),
        needed: () => this.#needed(),
        isBroken: () => this.#isBroken(),
        isEndless: () => this.#idleRenewals.isEndless,
        isDone: () => this.#frozen === undefined && this.#broker.isDone,
      });
    } finally {
      this.#over.abort("the run is over");
      await watched;
    }
    const holds = (): Promise<void> => this.#setUp.holds(this.#history);
    if (this.#broken !== undefined) return { history: this.#history, hasEnded, holds, broken: this.#broken };
    for (const [{ event }, { task }] of this.#idleRenewals.isEndless ? [] : this.#broker.inFlight) {
      const since = hasEnded
        ? "nothing else can happen"
        : `${Math.round(this.#scheduler.nowMs / 1_000)} simulated seconds have passed`;
      throw new UncontrolledError(
        `The handler on ${task} has not answered its delivery of ${event}, and ${since}. It awaits something that the simulation does not control`,
      );
    }
    if (!hasEnded) return { history: this.#history, hasEnded, holds };
    const { unacknowledged, deadLettered } = this.#broker;
    this.#recorderOf("broker").note({
      type: "settled",
      ...(unacknowledged.length === 0 ? {} : { unacknowledged }),
      ...(deadLettered.length === 0 ? {} : { deadLettered }),
    });
    return { history: this.#history, hasEnded, holds };
  }

  #isBroken(): boolean {
    try {
      this.#setUp.check(this.#history);
    } catch (error) {
      this.#broken = { error };
    }
    return this.#broken !== undefined;
  }

  #recorderOf(process: string): HistoryRecorder {
    return new HistoryRecorder(
      process,
      () => this.#scheduler.nowMs,
      (line) => {
        this.#history.push(line);
        this.#idleRenewals.observe(line, (task) => this.#effects.isWaiting(task));
      },
    );
  }

  /** Records every change of the store. */
  async #watch(): Promise<void> {
    if (this.#store.watch === undefined) return;
    const recorder = this.#recorderOf("store");
    for await (const change of this.#store.watch({}, this.#over.signal)) recordChange(recorder, change);
  }

  async #start(name: string, incarnation: number): Promise<void> {
    const task = name + "'".repeat(incarnation - 1);
    const recorder = this.#recorderOf(task);
    const effect = this.#effects.of(task, recorder);
    const aheadMs = this.#scenario.clocksAheadMs[Number(name.slice(1)) - 1] ?? 0;
    const replica: Replica = {
      owner: task,
      store: recorder.store(this.#network.storeOf(task)),
      kv: kvOf(task, this.#register, this.#network, recorder),
      clock: this.#scheduler.clockOf(task, aheadMs),
      newId: () => `id-${++this.#ids}`,
      world: undefined,
      effect,
      effectOnce: this.#effectTable.through(effect),
      host: (work) => this.#scheduler.host(work),
    };
    const handle = await this.#scheduler.hosting(() => this.#setUp.start(replica));
    this.#processes.push({ name, incarnation, task, recorder, handle });
  }

  /** Returns the operations that must happen before the run can end. */
  #needed(): readonly Operation[] {
    const deliveries = this.#broker.needed(this.#processes);
    const frozen = this.#frozen;
    if (frozen === undefined) return deliveries;
    const thaw = (): void => {
      this.#frozen = undefined;
      this.#scheduler.thaw(frozen.task);
    };
    return [...deliveries, { kind: "other", task: frozen.task, label: `${frozen.task} continues`, run: thaw }];
  }

  /** Returns the faults that may happen now. */
  #faults(): readonly Operation[] {
    if (this.#budget.isSpent) return [];
    const possible: Operation[] = [...this.#network.faults(), ...this.#broker.faults(), ...this.#effects.faults()];
    const offer = (name: FaultName, task: string, run: () => void | Promise<void>): void => {
      if (!this.#budget.has(name)) return;
      possible.push({
        kind: "fault",
        fault: name,
        task,
        label: name,
        run: () => {
          this.#budget.spend(name, task);
          return run();
        },
      });
    };
    for (const process of this.#exposed()) {
      offer("crash", process.task, () => this.#crash(process));
      if (this.#frozen === undefined) offer("freeze", process.task, () => this.#freeze(process));
    }
    for (const ms of [this.#scenario.jumpMs, this.#scenario.jumpMs / 2]) {
      offer("clock jump", "time", () => this.#scheduler.passTime(ms));
    }
    offer("amnesia", "store", () => this.#register.forget());
    return possible;
  }

  /** Returns the processes that may crash or freeze. Those for which an earlier moment gives the same run are left out. */
  #exposed(): readonly Process[] {
    const running = this.#processes.find(({ task }) => task === this.#scheduler.runningTask);
    const used = this.#processes.filter((process) => this.#broker.isUsed(process));
    return running === undefined ? used : used.filter((process) => process === running);
  }

  async #crash(process: Process): Promise<void> {
    process.recorder.note({ type: "died" });
    this.#scheduler.kill(process.task);
    if (this.#frozen === process) this.#frozen = undefined;
    this.#processes.splice(this.#processes.indexOf(process), 1);
    await this.#start(process.name, process.incarnation + 1);
  }

  #freeze(process: Process): void {
    process.recorder.note({ type: "frozen" });
    this.#frozen = process;
    this.#scheduler.freeze(process.task);
  }
}

function recordChange(recorder: HistoryRecorder, change: Change): void {
  if (change.type === "removed") {
    recorder.note({ type: "store.removed", key: change.key, revision: change.revision });
    return;
  }
  const { key, revision, record } = change.entry;
  const value = kvEntryOf(change.entry);
  if (value === undefined) recorder.note({ type: "store.held", key, revision, record });
  else recorder.note({ type: "store.held", key: value.key, revision, value: value.value });
}
