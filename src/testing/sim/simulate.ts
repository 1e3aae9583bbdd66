import type { History, HistoryLine } from "../../history/history.ts";
import type { Store } from "../../model/store.ts";
import { HistoryRecorder } from "../record/history-recorder.ts";
import { Broker, type Recipient } from "./broker.ts";
import { EffectTable } from "./effect-table.ts";
import { Effects } from "./effects.ts";
import { Budget, type FaultName } from "./faults.ts";
import type { HandleDelivery, Replica } from "./handler.ts";
import { IdleRenewals } from "./idle-renewals.ts";
import { kvOf } from "./kv.ts";
import { Network } from "./network.ts";
import type { Scenario, SetUpRun } from "./scenario.ts";
import { type Chooser, type Schedule, ScheduleFollower } from "./schedule.ts";
import { type ScheduledOperation, Scheduler } from "./scheduler.ts";
import { SharedRegister } from "./shared-register.ts";
import { observeStore } from "./store-observer.ts";
import { TooManyStepsError } from "./too-many-steps-error.ts";
import { UncontrolledError } from "./uncontrolled-error.ts";

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

interface Process extends Recipient {
  readonly name: string;
  readonly incarnation: number;
  readonly handle: HandleDelivery;
}

/** One run of a scenario. */
export class Simulation {
  readonly #scenario: Scenario;
  readonly #scheduler: Scheduler;
  readonly #budget: Budget;
  readonly #store: Store;
  readonly #register: SharedRegister;
  readonly #network: Network;
  readonly #broker: Broker;
  readonly #effects: Effects;
  readonly #effectTable: EffectTable;
  readonly #setUp: ReturnType<SetUpRun>;
  readonly #history: HistoryLine[] = [{ type: "history", version: 1, clock: "simulated" }];
  readonly #processes: Process[] = [];
  readonly #idleRenewals = new IdleRenewals();
  readonly #over = new AbortController();
  #frozen: Process | undefined;
  #ids = 0;
  #broken: { readonly error: unknown } | undefined;

  constructor(scenario: Scenario, chooser: Chooser<ScheduledOperation>) {
    this.#scenario = scenario;
    this.#scheduler = new Scheduler(chooser);
    this.#budget = new Budget(scenario.faults, (fault, task) => this.#recorderOf(task).note({ type: "fault", fault }));
    this.#store = scenario.store(this.#scheduler.clockOf("store"));
    this.#register = new SharedRegister(this.#store);
    this.#network = new Network(this.#scheduler, this.#register, this.#budget, scenario.jumpMs);
    this.#broker = new Broker(this.#scheduler, this.#budget, this.#network, scenario);
    this.#effects = new Effects(this.#scheduler, this.#budget);
    this.#effectTable = new EffectTable(this.#effects);
    this.#setUp = scenario.setUp();
  }

  get history(): History {
    return this.#history;
  }

  async run(): Promise<SimulatedRun> {
    const observed = observeStore(this.#store, this.#recorderOf("store"), this.#over.signal);
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
      await observed;
    }
    const holds = (): Promise<void> => this.#setUp.holds(this.#history);
    if (this.#broken !== undefined) return { history: this.#history, hasEnded, holds, broken: this.#broken };
    const [unanswered] = this.#idleRenewals.isEndless ? [] : this.#broker.inFlight;
    if (unanswered !== undefined) {
      const [{ event }, { task }] = unanswered;
      const since = hasEnded
        ? "nothing else can happen. It awaits"
        : `${Math.round(this.#scheduler.nowMs / 1_000)} simulated seconds have passed. It tries again without end, or awaits`;
      throw new UncontrolledError(
        `The handler on ${task} has not answered its delivery of ${event}, and ${since} something that the simulation does not control`,
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

  async #start(name: string, incarnation: number): Promise<void> {
    const task = name + "'".repeat(incarnation - 1);
    const recorder = this.#recorderOf(task);
    const aheadMs = this.#scenario.clocksAheadMs[Number(name.slice(1)) - 1] ?? 0;
    const replica: Replica = {
      owner: task,
      store: recorder.store(this.#network.storeOf(task)),
      kv: kvOf(task, this.#register, this.#network, recorder),
      clock: this.#scheduler.clockOf(task, aheadMs),
      newId: () => `id-${++this.#ids}`,
      world: undefined,
      effect: this.#effects.of(task, recorder),
      effectOnce: this.#effectTable.of(task, recorder),
      host: (work) => this.#scheduler.host(work),
    };
    const handle = await this.#scheduler.hosting(() => this.#setUp.start(replica));
    this.#processes.push({ name, incarnation, task, recorder, handle });
  }

  /** Returns the operations that must happen before the run can end. */
  #needed(): readonly ScheduledOperation[] {
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
  #faults(): readonly ScheduledOperation[] {
    if (this.#budget.isSpent) return [];
    const possible: ScheduledOperation[] = [
      ...this.#network.faults(),
      ...this.#broker.faults(),
      ...this.#effects.faults(),
    ];
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
    const isConnected = ({ task }: Process): boolean => this.#network.partitionOf(task) === undefined;
    const mayCutOff = this.#processes.filter(isConnected).length > 1;
    for (const process of this.#exposed()) {
      if (mayCutOff && isConnected(process)) {
        offer("isolation", process.task, () => this.#network.cutOff(process.task, "both ways"));
        offer("one-way partition", process.task, () => this.#network.cutOff(process.task, "one way"));
      }
      offer("crash", process.task, () => this.#crash(process));
      if (this.#frozen === undefined) offer("freeze", process.task, () => this.#freeze(process));
    }
    for (const ms of [this.#scenario.jumpMs, this.#scenario.jumpMs / 2]) {
      offer("clock jump", "time", () => this.#scheduler.passTime(ms));
    }
    offer("slow store", "store", () => this.#network.slowDown());
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
