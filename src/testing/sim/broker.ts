import type { Answer } from "../../history/history.ts";
import type { Clock } from "../../internal/clock.ts";
import type { HistoryRecorder } from "../record/history-recorder.ts";
import type { Budget } from "./faults.ts";
import { answerAfter, answerTo, type Delivery, type HandleDelivery, type MessageContent } from "./handler.ts";
import type { Network } from "./network.ts";
import type { ScheduledOperation, Scheduler } from "./scheduler.ts";

/** A process that receives deliveries. */
export interface Recipient {
  readonly task: string;
  readonly recorder: HistoryRecorder;
  readonly handle: HandleDelivery;
}

/** Configuration of the broker. */
export interface BrokerOptions {
  readonly events: number;
  /** Number of messages for each event: the sender sent it this often. */
  readonly copies: number;
  /** Number of deliveries that a process handles at a time. */
  readonly concurrency: number;
  /** Time without an answer after which a message is delivered again, in milliseconds. */
  readonly ackWaitMs: number;
  /** Number of deliveries after which a message becomes a dead letter. */
  readonly maxDeliver: number;
  /** Returns the content of one message of an event. */
  readonly message: (event: string, copy: number) => MessageContent;
}

interface Message {
  readonly event: Event;
  readonly content: MessageContent;
  /** Number of deliveries of this message. */
  count: number;
  /** Number of deliveries that may happen now. */
  due: number;
  isAcknowledged: boolean;
  isDeadLetter: boolean;
  /** Number of deliveries since the last intervention of the schedule. */
  calm: { readonly since: number; deliveries: number };
}

/** A message that is not acknowledged after this many deliveries without an intervention never will be. */
const MAX_CALM_DELIVERIES = 12;

interface Event {
  readonly id: string;
  /** Number of deliveries of all its messages. */
  deliveries: number;
}

/** Delivers every message until it is acknowledged, each time to the process that the schedule picks. */
export class Broker {
  readonly #scheduler: Scheduler;
  readonly #budget: Budget;
  readonly #network: Network;
  readonly #ackWaitMs: number;
  readonly #concurrency: number;
  readonly #maxDeliver: number;
  readonly #clock: Clock;
  readonly #messages: readonly Message[];
  /** The deliveries without an answer. */
  readonly #inFlight = new Map<Delivery, Recipient>();
  readonly #used = new Set<Recipient>();

  constructor(scheduler: Scheduler, budget: Budget, network: Network, options: BrokerOptions) {
    const { events, copies } = options;
    this.#scheduler = scheduler;
    this.#budget = budget;
    this.#network = network;
    this.#ackWaitMs = options.ackWaitMs;
    this.#concurrency = options.concurrency;
    this.#maxDeliver = options.maxDeliver;
    this.#clock = scheduler.clockOf("broker");
    this.#messages = Array.from({ length: events }, (_, index) => ({ id: `E${index + 1}`, deliveries: 0 })).flatMap(
      (event) =>
        Array.from({ length: copies }, (_, index) => ({
          event,
          content: options.message(event.id, index + 1),
          count: 0,
          due: 1,
          isAcknowledged: false,
          isDeadLetter: false,
          calm: { since: 0, deliveries: 0 },
        })),
    );
  }

  /** True if a process has received a delivery. Processes that have not are interchangeable. */
  isUsed(recipient: Recipient): boolean {
    return this.#used.has(recipient);
  }

  /** The deliveries without an answer whose process is alive. */
  get inFlight(): ReadonlyArray<readonly [Delivery, Recipient]> {
    return [...this.#inFlight].filter(([, { task }]) => !this.#scheduler.isDead(task));
  }

  /** The events with a message that was never acknowledged. */
  get unacknowledged(): readonly string[] {
    return eventsOf(this.#messages.filter((message) => !isDone(message)));
  }

  /** The events with a message that became a dead letter. */
  get deadLettered(): readonly string[] {
    return eventsOf(this.#messages.filter(({ isDeadLetter }) => isDeadLetter));
  }

  /** True if no delivery is in flight, and without a fault none will follow. */
  get isDone(): boolean {
    const isOver = (message: Message): boolean =>
      message.due === 0 && (isDone(message) || message.calm.deliveries >= MAX_CALM_DELIVERIES);
    return this.#messages.every(isOver) && this.inFlight.length === 0;
  }

  /** Returns the deliveries that are due. */
  needed(recipients: readonly Recipient[]): readonly ScheduledOperation[] {
    const awake = recipients.filter(
      (recipient) =>
        this.#scheduler.isAwake(recipient.task) &&
        this.#hasRoom(recipient) &&
        this.#network.partitionOf(recipient.task) === undefined,
    );
    const fresh = awake.find((recipient) => !this.isUsed(recipient));
    const choices = awake.filter((recipient) => recipient === fresh || this.isUsed(recipient));
    const due = this.#messages.filter((message, index) => message.due > 0 && this.#isNextOfItsKey(message, index));
    return due.filter(isFirstOfItsKind).flatMap((message) =>
      choices.map((recipient) => ({
        kind: "delivery" as const,
        task: recipient.task,
        label: `${message.event.id} is delivered to ${recipient.task}`,
        run: () => this.#deliver(message, recipient),
      })),
    );
  }

  #isNextOfItsKey({ content: { orderingKey } }: Message, index: number): boolean {
    if (orderingKey === undefined) return true;
    return this.#messages
      .slice(0, index)
      .every((earlier) => earlier.content.orderingKey !== orderingKey || isDone(earlier));
  }

  #hasRoom(recipient: Recipient): boolean {
    let count = 0;
    for (const other of this.#inFlight.values()) if (other === recipient) count += 1;
    return count < this.#concurrency;
  }

  /** Returns the redeliveries that may happen without a reason. */
  faults(): readonly ScheduledOperation[] {
    if (!this.#budget.has("redelivery")) return [];
    return this.#messages
      .filter(({ count, due, isDeadLetter }) => count > 0 && due === 0 && !isDeadLetter)
      .map((message) => ({
        kind: "fault" as const,
        fault: "redelivery" as const,
        task: "broker",
        label: `${message.event.id} is redelivered`,
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
    const { payload, headers = {} } = message.content;
    const handed: Delivery = { event, count: message.count, payload, headers };
    recorder.note({ type: "delivered", event, delivery });
    this.#inFlight.set(handed, recipient);
    const cancelRedelivery = this.#dueIn(this.#ackWaitMs, message);
    void answerOf(recipient.handle, handed).then(
      (answer) => {
        this.#inFlight.delete(handed);
        if (this.#scheduler.isDead(task)) return;
        this.#scheduler.expectControlled(task, "its answer");
        // The message is delivered again after its time without an answer.
        if (this.#network.partitionOf(task) === "both ways") return;
        recorder.note({ type: "answered", event, delivery, ...answer });
        cancelRedelivery();
        if (answer.answer === "acknowledged") message.isAcknowledged = true;
        else if (answer.code === "permanent" || message.count >= this.#maxDeliver) message.isDeadLetter = true;
        else this.#dueIn(answer.afterMs, message);
      },
      (error: unknown) => this.#scheduler.fail(error),
    );
  }

  #dueIn(ms: number, message: Message): () => void {
    return this.#clock.schedule(ms, () => {
      if (!isDone(message) && message.calm.deliveries < MAX_CALM_DELIVERIES) message.due += 1;
    });
  }
}

function isDone({ isAcknowledged, isDeadLetter }: Message): boolean {
  return isAcknowledged || isDeadLetter;
}

function eventsOf(messages: readonly Message[]): readonly string[] {
  return [...new Set(messages.map(({ event }) => event.id))];
}

/** Messages of one event with equal delivery counts are interchangeable. */
function isFirstOfItsKind({ event, count, content }: Message, index: number, messages: readonly Message[]): boolean {
  const isSame = (other: Message): boolean =>
    other.event === event && other.count === count && JSON.stringify(other.content) === JSON.stringify(content);
  return messages.findIndex(isSame) === index;
}

/** @throws {TypeError} when the handler's reply is not a `Reply`. */
async function answerOf(handle: HandleDelivery, delivery: Delivery): Promise<Answer> {
  let reply: unknown;
  try {
    reply = await handle(delivery);
  } catch (error) {
    return answerAfter(error, delivery);
  }
  return answerTo(reply, delivery);
}
