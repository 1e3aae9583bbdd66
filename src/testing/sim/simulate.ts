import type { History, HistoryLine } from "../../history/history.ts";
import type { Clock } from "../../internal/clock.ts";
import type { Change, Store } from "../../model/store.ts";
import { HistoryRecorder } from "../record/recorder.ts";
import { Broker, type Recipient } from "./broker.ts";
import { Effects } from "./effects.ts";
import { Budget, type FaultBudget, type FaultName } from "./faults.ts";
import type { HandleDelivery, HandlerUnderTest, Replica } from "./handler.ts";
import { kvEntryOf, kvOf } from "./kv.ts";
import { Network } from "./network.ts";
import { type Chooser, Follower, type Schedule } from "./schedule.ts";
import { type Operation, Scheduler } from "./scheduler.ts";
import { SharedRegister } from "./shared-register.ts";
import { UncontrolledError } from "./uncontrolled.ts";

/** Begins a run. */
export type Beginning = () => {
  /** Starts a process. */
  readonly start: HandlerUnderTest;
  /** Rejects when the run has left the world as it must not be. */
  readonly holds: (history: History) => Promise<void>;
};

/** What is simulated. */
export interface Scenario {
  readonly begin: Beginning;
  readonly replicas: number;
  readonly events: number;
  /** How many messages there are for each event. */
  readonly copies: number;
  /** How many deliveries a process works on at a time. */
  readonly concurrency: number;
  readonly faults: FaultBudget;
  /** After how long without an answer a message is delivered again, in milliseconds. */
  readonly ackWaitMs: number;
  /** How far a clock jumps at the most (half of it is possible too), and how long an outage lasts, in milliseconds. */
  readonly jumpMs: number;
  /** Makes the store that all processes share; anew for each run. */
  readonly store: (clock: Clock) => Store;
}

/** What was seen of a run, and whether it left the world as it must be. */
export interface Simulated {
  readonly history: History;
  readonly holds: () => Promise<void>;
}

/**
 * Runs a handler under a schedule: processes, deliveries, the store, effects, faults and time, all simulated.
 * @throws {UncontrolledError} when the handler awaits something that is not.
 * @throws {TypeError} when the handler answers something else than a reply.
 * @throws {RangeError} when there is too much to do.
 */
export async function simulate(scenario: Scenario, schedule: Schedule): Promise<Simulated> {
  return simulateChoosing(scenario, new Follower(schedule));
}

/** The same, with somebody else choosing. */
export async function simulateChoosing(scenario: Scenario, chooser: Chooser): Promise<Simulated> {
  return new Simulation(scenario, chooser).run();
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
  readonly #begun: ReturnType<Beginning>;
  readonly #history: HistoryLine[] = [{ type: "history", version: 1, clock: "simulated" }];
  readonly #processes: Process[] = [];
  readonly #over = new AbortController();
  #frozen: Process | undefined;
  #ids = 0;

  constructor(scenario: Scenario, chooser: Chooser) {
    this.#scenario = scenario;
    this.#scheduler = new Scheduler(chooser);
    this.#budget = new Budget(scenario.faults, (fault, whom) => this.#recorderOf(whom).note({ type: "fault", fault }));
    this.#store = scenario.store(this.#scheduler.clockOf("store"));
    this.#register = new SharedRegister(this.#store);
    this.#network = new Network(this.#scheduler, this.#register, this.#budget, scenario.jumpMs);
    this.#broker = new Broker(this.#scheduler, this.#budget, scenario);
    this.#effects = new Effects(this.#scheduler, this.#budget);
    this.#begun = scenario.begin();
    for (let index = 1; index <= scenario.replicas; index += 1) this.#start(`R${index}`, 1);
  }

  async run(): Promise<Simulated> {
    const watched = this.#watch();
    let hasEnded: boolean;
    try {
      hasEnded = await this.#scheduler.run({
        faults: () => this.#faults(),
        needed: () => this.#needed(),
        isDone: () => this.#frozen === undefined && this.#broker.isDone,
      });
    } finally {
      this.#over.abort("the run is over");
      await watched;
    }
    for (const [{ event }, { task }] of this.#broker.underWay) {
      const since = hasEnded
        ? "nothing is left to happen"
        : `${Math.round(this.#scheduler.nowMs / 1_000)} simulated seconds have passed`;
      throw new UncontrolledError(
        `The handler on ${task} has not answered its delivery of ${event}, and ${since}. It awaits something that the simulation does not control`,
      );
    }
    if (!hasEnded) throw new RangeError("The run takes too many steps: make the scope smaller");
    const { unacknowledged } = this.#broker;
    this.#recorderOf("broker").note(
      unacknowledged.length === 0 ? { type: "settled" } : { type: "settled", unacknowledged },
    );
    return { history: this.#history, holds: () => this.#begun.holds(this.#history) };
  }

  #recorderOf(process: string): HistoryRecorder {
    return new HistoryRecorder(
      process,
      () => this.#scheduler.nowMs,
      (line) => this.#history.push(line),
    );
  }

  /** What the store holds is recorded as it changes, whoever changed it. */
  async #watch(): Promise<void> {
    if (this.#store.watch === undefined) return;
    const recorder = this.#recorderOf("store");
    for await (const change of this.#store.watch({}, this.#over.signal)) record(recorder, change);
  }

  #start(name: string, incarnation: number): void {
    const task = name + "'".repeat(incarnation - 1);
    const recorder = this.#recorderOf(task);
    const replica: Replica = {
      owner: task,
      store: recorder.store(this.#network.storeOf(task)),
      kv: kvOf(task, this.#register, this.#network, recorder),
      clock: this.#scheduler.clockOf(task),
      newId: () => `id-${++this.#ids}`,
      world: undefined,
      effect: this.#effects.of(task, recorder),
    };
    this.#processes.push({ name, incarnation, task, recorder, handle: this.#begun.start(replica) });
  }

  /** What must happen before the run can end. */
  #needed(): readonly Operation[] {
    const deliveries = this.#broker.needed(this.#processes);
    const frozen = this.#frozen;
    if (frozen === undefined) return deliveries;
    const thaw = (): void => {
      this.#frozen = undefined;
      this.#scheduler.thaw(frozen.task);
    };
    return [...deliveries, { task: frozen.task, label: `${frozen.task} goes on`, run: thaw }];
  }

  /** What may go wrong now. */
  #faults(): readonly Operation[] {
    if (this.#budget.isSpent) return [];
    const possible: Operation[] = [...this.#network.faults(), ...this.#broker.faults(), ...this.#effects.faults()];
    const offer = (name: FaultName, whom: string, run: () => void | Promise<void>): void => {
      if (!this.#budget.has(name)) return;
      possible.push({
        task: whom,
        label: name,
        run: () => {
          this.#budget.spend(name, whom);
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

  /** The processes that may die or stand still: those of which it would not have been the same a little earlier. */
  #exposed(): readonly Process[] {
    const atWork = this.#processes.find(({ task }) => task === this.#scheduler.atWork);
    const used = this.#processes.filter((process) => this.#broker.isUsed(process));
    return atWork === undefined ? used : used.filter((process) => process === atWork);
  }

  #crash(process: Process): void {
    process.recorder.note({ type: "died" });
    this.#scheduler.kill(process.task);
    if (this.#frozen === process) this.#frozen = undefined;
    this.#processes.splice(this.#processes.indexOf(process), 1);
    this.#start(process.name, process.incarnation + 1);
  }

  #freeze(process: Process): void {
    process.recorder.note({ type: "frozen" });
    this.#frozen = process;
    this.#scheduler.freeze(process.task);
  }
}

function record(recorder: HistoryRecorder, change: Change): void {
  if (change.type === "removed") {
    recorder.note({ type: "store.removed", key: change.key, revision: change.revision });
    return;
  }
  const { key, revision, record: held } = change.entry;
  const value = kvEntryOf(change.entry);
  if (value === undefined) recorder.note({ type: "store.held", key, revision, record: held });
  else recorder.note({ type: "store.held", key: value.key, revision, value: value.value });
}
