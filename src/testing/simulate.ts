import type { Clock } from "../clock.ts";
import type { Answer, History, HistoryLine, Seen } from "../history.ts";
import type { StoreKey } from "../key.ts";
import { memoryStore } from "../memory-store.ts";
import type { Change, Store } from "../store.ts";
import { Budget, type FaultBudget } from "./faults.ts";
import { Network } from "./network.ts";
import { type KnownToEffect, Recorder } from "./recorder.ts";
import type { Schedule } from "./schedule.ts";
import { type Operation, Scheduler } from "./scheduler.ts";

/** One process of the service under test. */
export interface Replica {
  readonly name: string;
  readonly store: Store;
  readonly clock: Clock;
  readonly newId: () => string;
  /**
   * The handler's side effect on the world: begins, unless `signal` has aborted, goes on for as long as the schedule likes, and
   * ends or throws.
   */
  effect(event: string, known?: KnownToEffect): Promise<void>;
}

/** One delivery of an event to a replica. */
export interface Delivery {
  readonly event: string;
  /** How often the event's message was delivered, this time included. */
  readonly count: number;
}

/** Handles the deliveries to one replica; called once for each process that starts. */
export type Service = (replica: Replica) => (delivery: Delivery) => Promise<Answer>;

/** What is simulated. */
export interface Scenario {
  readonly service: Service;
  readonly replicas: number;
  readonly events: number;
  /** How often each event's message is delivered at the beginning. */
  readonly copies: number;
  readonly faults: FaultBudget;
  /** After how long without an answer a message is delivered again, in milliseconds. */
  readonly ackWaitMs: number;
  /** How far a clock jumps at the most (half of it is possible too), and how long an outage lasts, in milliseconds. */
  readonly longMs: number;
  /** The register that all replicas share; made anew for each run. @default a memory store */
  readonly register?: (clock: Clock) => Store;
}

/** A run that was simulated. */
export interface Run {
  readonly schedule: Schedule;
  readonly history: History;
}

/**
 * Runs a service under a schedule: replicas, deliveries, the store, side effects, faults and time, all on simulated time.
 * @throws {Error} when a handler awaits something that the simulation does not know of.
 */
export async function simulate(scenario: Scenario, schedule: Schedule): Promise<Run> {
  return new World(scenario, schedule).run();
}

interface Message {
  readonly event: string;
  deliveries: number;
  /** Deliveries that may happen now. */
  due: number;
  acknowledged: boolean;
}

class World {
  readonly #scenario: Scenario;
  readonly #schedule: Schedule;
  readonly #scheduler: Scheduler;
  readonly #budget: Budget;
  readonly #network: Network;
  readonly #register: Store;
  readonly #brokerClock: Clock;
  readonly #messages: readonly Message[];
  readonly #history: HistoryLine[] = [{ type: "history", version: 1, clock: "simulated" }];
  readonly #processes: Process[] = [];
  readonly #underWay = new Map<string, string>();
  readonly #watching = new AbortController();
  readonly #endings = new Set<Operation>();
  #frozen: Process | undefined;
  #ids = 0;
  #effects = 0;

  constructor(scenario: Scenario, schedule: Schedule) {
    this.#scenario = scenario;
    this.#schedule = schedule;
    this.#scheduler = new Scheduler(schedule);
    this.#budget = new Budget(scenario.faults, scenario.longMs, (fault) => {
      this.#note("environment", { type: "fault", fault });
    });
    const registerClock = this.#scheduler.clockOf("register");
    this.#register = (scenario.register ?? ((clock) => memoryStore({ clock })))(registerClock);
    this.#network = new Network(this.#scheduler, this.#register, this.#budget);
    this.#brokerClock = this.#scheduler.clockOf("broker");
    this.#messages = Array.from({ length: scenario.events }, (_, index) => ({
      event: `E${index + 1}`,
      deliveries: 0,
      due: scenario.copies,
      acknowledged: false,
    }));
    for (let index = 1; index <= scenario.replicas; index += 1) this.#start(`R${index}`, 1);
  }

  async run(): Promise<Run> {
    const watched = this.#watch();
    await this.#scheduler.run({ faults: () => this.#faults(), needed: () => this.#needed() }, () => {});
    this.#watching.abort("the run is over");
    await watched;
    for (const [handler, task] of this.#underWay) {
      if (this.#processes.some((process) => process.task === task)) {
        throw new Error(`${handler} on ${task} awaits something that the simulation does not control`);
      }
    }
    this.#note("broker", { type: "settled" });
    return { schedule: this.#schedule, history: this.#history };
  }

  #recorderOf(process: string): Recorder {
    return new Recorder(
      process,
      () => this.#scheduler.nowMs,
      (line) => this.#history.push(line),
    );
  }

  #note(process: string, seen: Seen): void {
    this.#recorderOf(process).note(seen);
  }

  /** What the register holds is noted as it changes, whoever changed it. */
  async #watch(): Promise<void> {
    if (this.#register.watch === undefined) return;
    for await (const change of this.#register.watch({}, this.#watching.signal)) this.#noteChange(change);
  }

  #noteChange(change: Change): void {
    if (change.type === "put") {
      const { key, revision, record } = change.entry;
      this.#note("store", { type: "store.held", key, revision, record });
    } else {
      this.#note("store", { type: "store.removed", key: change.key, revision: change.revision });
    }
  }

  #start(name: string, incarnation: number): void {
    const task = incarnation === 1 ? name : `${name}'${incarnation}`;
    const recorder = this.#recorderOf(task);
    const replica: Replica = {
      name: task,
      store: recorder.store(this.#network.storeOf(task)),
      clock: this.#scheduler.clockOf(task),
      newId: () => `id-${++this.#ids}`,
      effect: (event, known = {}) => this.#effect(task, recorder, event, known),
    };
    this.#processes.push({ name, incarnation, task, handle: this.#scenario.service(replica) });
  }

  async #effect(task: string, recorder: Recorder, event: string, known: KnownToEffect): Promise<void> {
    const label = `effect ${++this.#effects} of ${event}`;
    await this.#scheduler.pause(task, `${label} begins`);
    known.signal?.throwIfAborted();
    await recorder.effect(event, known, async () => {
      if (await this.#effectEnds(task, label)) throw new Error("Simulated: the effect failed");
    });
  }

  /** Whether it fails: that is a fault among others, as long as the effect goes on. */
  #effectEnds(task: string, label: string): Promise<boolean> {
    return new Promise((resolve) => {
      const fails: Operation = {
        task,
        label: `${label} fails`,
        run: () => {
          this.#endings.delete(fails);
          takeBack();
          this.#budget.spend("failing effect");
          resolve(true);
        },
      };
      this.#endings.add(fails);
      const takeBack = this.#scheduler.add({
        task,
        label: `${label} ends`,
        run: () => {
          this.#endings.delete(fails);
          resolve(false);
        },
      });
    });
  }

  #needed(): readonly Operation[] {
    const deliveries = this.#messages
      .filter((message) => message.due > 0 && !message.acknowledged)
      .flatMap((message) =>
        this.#processes
          .filter((process) => process !== this.#frozen)
          .map(
            (process): Operation => ({
              task: process.task,
              label: `${message.event} is delivered to ${process.task}`,
              run: () => this.#deliver(message, process),
            }),
          ),
      );
    const frozen = this.#frozen;
    if (frozen === undefined) return deliveries;
    const thaw: Operation = {
      task: frozen.task,
      label: `${frozen.task} goes on`,
      run: () => {
        this.#frozen = undefined;
        this.#scheduler.thaw(frozen.task);
      },
    };
    return [...deliveries, thaw];
  }

  #faults(): readonly Operation[] {
    const possible: Operation[] = [...this.#network.faults()];
    const offer = (name: Parameters<Budget["has"]>[0], task: string, run: () => void | Promise<void>): void => {
      if (!this.#budget.has(name)) return;
      possible.push({
        task,
        label: name,
        run: () => {
          this.#budget.spend(name);
          return run();
        },
      });
    };
    for (const process of this.#processes) {
      offer("crash", process.task, () => this.#crash(process));
      if (this.#frozen === undefined) offer("freeze", process.task, () => this.#freeze(process));
    }
    for (const message of this.#messages) {
      if (message.deliveries > 0 && !message.acknowledged) {
        offer("redelivery", "broker", () => {
          message.due += 1;
        });
      }
    }
    if (this.#budget.has("failing effect")) {
      const running = this.#processes.filter((process) => process !== this.#frozen).map(({ task }) => task);
      possible.push(...[...this.#endings].filter(({ task }) => running.includes(task)));
    }
    for (const ms of [this.#scenario.longMs, this.#scenario.longMs / 2]) {
      offer("clock jump", "time", () => this.#scheduler.passTime(ms));
    }
    offer("amnesia", "register", () => this.#forget());
    return possible;
  }

  #crash(process: Process): void {
    this.#scheduler.kill(process.task);
    this.#note(process.task, { type: "died" });
    if (this.#frozen === process) this.#frozen = undefined;
    this.#processes.splice(this.#processes.indexOf(process), 1);
    this.#start(process.name, process.incarnation + 1);
  }

  #freeze(process: Process): void {
    this.#frozen = process;
    this.#scheduler.freeze(process.task);
    this.#note(process.task, { type: "frozen" });
  }

  async #forget(): Promise<void> {
    if (this.#register.list === undefined || this.#register.remove === undefined) return;
    let last: { readonly key: StoreKey; readonly revision: number } | undefined;
    for await (const entry of this.#register.list({})) {
      if (last === undefined || entry.revision > last.revision) last = entry;
    }
    if (last !== undefined) await this.#register.remove(last.key, { expected: last.revision });
  }

  #deliver(message: Message, process: Process): void {
    message.due -= 1;
    message.deliveries += 1;
    const delivery = { event: message.event, count: message.deliveries };
    const id = `delivery ${delivery.count} of ${delivery.event}`;
    this.#note(process.task, { type: "delivered", event: message.event, delivery: delivery.count });
    this.#underWay.set(id, process.task);
    const giveUp = this.#brokerClock.schedule(this.#scenario.ackWaitMs, () => {
      message.due += 1;
    });
    void process.handle(delivery).then((answer) => {
      this.#underWay.delete(id);
      if (this.#scheduler.isDead(process.task)) return;
      this.#note(process.task, { type: "answered", event: message.event, delivery: delivery.count, ...answer });
      giveUp();
      if (answer.answer === "acknowledged") message.acknowledged = true;
      else
        this.#brokerClock.schedule(answer.afterMs, () => {
          message.due += 1;
        });
    });
  }
}

interface Process {
  readonly name: string;
  readonly incarnation: number;
  readonly task: string;
  readonly handle: (delivery: Delivery) => Promise<Answer>;
}
