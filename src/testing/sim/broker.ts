import type { Answer } from "../../history/history.ts";
import type { Clock } from "../../internal/clock.ts";
import type { HistoryRecorder } from "../record/recorder.ts";
import type { Budget } from "./faults.ts";
import { answerAfter, answerTo, type Delivery, type HandleDelivery } from "./handler.ts";
import type { Operation, Scheduler } from "./scheduler.ts";

/** A process that deliveries can go to. */
export interface Recipient {
  readonly task: string;
  readonly recorder: HistoryRecorder;
  readonly handle: HandleDelivery;
}

/** What the broker is told. */
export interface BrokerOptions {
  readonly events: number;
  /** How many messages there are for each event: its sender sent it so often. */
  readonly copies: number;
  /** How many deliveries a process works on at a time. */
  readonly concurrency: number;
  /** After how long without an answer a message is delivered again, in milliseconds. */
  readonly ackWaitMs: number;
}

interface Message {
  readonly event: Event;
  /** How often it was delivered. */
  count: number;
  /** Deliveries that may happen now. */
  due: number;
  isAcknowledged: boolean;
  /** How often it was delivered without any intervention, and since which. */
  calm: { readonly since: number; deliveries: number };
}

/** A message that was delivered so often while nothing went wrong will never be acknowledged. */
const MOST_CALM_DELIVERIES = 12;

interface Event {
  readonly id: string;
  /** How often any of its messages was delivered. */
  deliveries: number;
}

/** Delivers every message at least once, to whichever process the schedule likes, until it is acknowledged. */
export class Broker {
  readonly #scheduler: Scheduler;
  readonly #budget: Budget;
  readonly #ackWaitMs: number;
  readonly #concurrency: number;
  readonly #clock: Clock;
  readonly #messages: readonly Message[];
  /** The deliveries without an answer. */
  readonly #underWay = new Map<Delivery, Recipient>();
  readonly #used = new Set<Recipient>();

  constructor(scheduler: Scheduler, budget: Budget, options: BrokerOptions) {
    const { events, copies } = options;
    this.#scheduler = scheduler;
    this.#budget = budget;
    this.#ackWaitMs = options.ackWaitMs;
    this.#concurrency = options.concurrency;
    this.#clock = scheduler.clockOf("broker");
    this.#messages = Array.from({ length: events }, (_, index) => ({ id: `E${index + 1}`, deliveries: 0 })).flatMap(
      (event) =>
        Array.from({ length: copies }, () => ({
          event,
          count: 0,
          due: 1,
          isAcknowledged: false,
          calm: { since: 0, deliveries: 0 },
        })),
    );
  }

  /** Whether a process has ever been delivered to; one that has not is as good as any other that has not. */
  isUsed(recipient: Recipient): boolean {
    return this.#used.has(recipient);
  }

  /** The deliveries that wait for an answer of a process that could give one. */
  get underWay(): ReadonlyArray<readonly [Delivery, Recipient]> {
    return [...this.#underWay].filter(([, { task }]) => !this.#scheduler.isDead(task));
  }

  /** The events of which a message was never acknowledged. */
  get unacknowledged(): readonly string[] {
    return [...new Set(this.#messages.filter((message) => !message.isAcknowledged).map(({ event }) => event.id))];
  }

  /** Whether no message will ever be delivered again, unless something goes wrong, and none is being worked on. */
  get isDone(): boolean {
    const isDone = ({ due, isAcknowledged, calm }: Message): boolean =>
      due === 0 && (isAcknowledged || calm.deliveries >= MOST_CALM_DELIVERIES);
    return this.#messages.every(isDone) && this.underWay.length === 0;
  }

  /** The deliveries that have to be made. */
  needed(recipients: readonly Recipient[]): readonly Operation[] {
    const awake = recipients.filter((recipient) => this.#scheduler.isAwake(recipient.task) && this.#hasRoom(recipient));
    const fresh = awake.find((recipient) => !this.isUsed(recipient));
    const choices = awake.filter((recipient) => recipient === fresh || this.isUsed(recipient));
    const due = this.#messages.filter((message) => message.due > 0);
    return due.filter(isFirstOfItsKind).flatMap((message) =>
      choices.map((recipient) => ({
        task: recipient.task,
        label: `${message.event.id} is delivered to ${recipient.task}`,
        run: () => this.#deliver(message, recipient),
      })),
    );
  }

  #hasRoom(recipient: Recipient): boolean {
    let count = 0;
    for (const other of this.#underWay.values()) if (other === recipient) count += 1;
    return count < this.#concurrency;
  }

  /** Deliveries that nobody asked for. */
  faults(): readonly Operation[] {
    if (!this.#budget.has("redelivery")) return [];
    return this.#messages
      .filter(({ count, due }) => count > 0 && due === 0)
      .map((message) => ({
        task: "broker",
        label: `${message.event.id} is due again`,
        run: () => {
          this.#budget.spend("redelivery", "broker");
          message.due += 1;
        },
      }));
  }

  #deliver(message: Message, recipient: Recipient): void {
    message.due -= 1;
    message.count += 1;
    message.event.deliveries += 1;
    const { interventions: since } = this.#scheduler;
    if (message.calm.since !== since) message.calm = { since, deliveries: 0 };
    message.calm.deliveries += 1;
    this.#used.add(recipient);
    const { task, recorder } = recipient;
    const { id: event, deliveries: delivery } = message.event;
    const given: Delivery = { event, count: message.count };
    recorder.note({ type: "delivered", event, delivery });
    this.#underWay.set(given, recipient);
    const giveUp = this.#dueIn(this.#ackWaitMs, message);
    void answerOf(recipient.handle, given).then(
      (answer) => {
        this.#underWay.delete(given);
        if (this.#scheduler.isDead(task)) return;
        this.#scheduler.notice(task, "its answer");
        recorder.note({ type: "answered", event, delivery, ...answer });
        giveUp();
        if (answer.answer === "acknowledged") message.isAcknowledged = true;
        else this.#dueIn(answer.afterMs, message);
      },
      (error: unknown) => this.#scheduler.fail(error),
    );
  }

  #dueIn(ms: number, message: Message): () => void {
    return this.#clock.schedule(ms, () => {
      if (!message.isAcknowledged && message.calm.deliveries < MOST_CALM_DELIVERIES) message.due += 1;
    });
  }
}

/** Messages of one event that were delivered equally often are the same to everybody. */
function isFirstOfItsKind({ event, count }: Message, index: number, messages: readonly Message[]): boolean {
  return messages.findIndex((other) => other.event === event && other.count === count) === index;
}

/** @throws {TypeError} for what is no reply. */
async function answerOf(handle: HandleDelivery, delivery: Delivery): Promise<Answer> {
  let reply: unknown;
  try {
    reply = await handle(delivery);
  } catch (error) {
    return answerAfter(error, delivery);
  }
  return answerTo(reply, delivery);
}
