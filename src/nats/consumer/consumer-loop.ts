import type { Consumer, ConsumerInfo, JsMsg } from "@nats-io/jetstream";
import { type BackoffRange, backoffMs } from "../../internal/backoff.ts";
import { type Clock, delay } from "../../internal/clock.ts";
import { deferred } from "../../internal/deferred.ts";
import { ActorSystem } from "../../statechart/actor-system.ts";
import type { Auditor } from "./auditor.ts";
import type { ResolvedConsumeOptions } from "./consume-options.ts";
import { MessageDelivery, type SharedByDeliveries } from "./delivery.ts";
import { FailureCounts } from "./failure-counts.ts";
import { type ConsumerLoss, diagnoseFetchFailure } from "./fetch-failure.ts";
import { Fetcher } from "./fetcher.ts";
import { FinishedMessages } from "./finished-messages.ts";
import { sendInProgressAcks } from "./in-progress-acks.ts";
import { Slots } from "./slots.ts";
import { ackWaitOf, serverMaxDeliver } from "./start-up-check.ts";

const FETCH_BACKOFF: BackoffRange = { firstMs: 100, longestMs: 5_000 };

/** Turns the messages of one consumer into deliveries. */
export class ConsumerLoop {
  readonly #source: Consumer;
  readonly #clock: Clock;
  readonly #auditor: Auditor;
  readonly #onLost: (loss: ConsumerLoss) => void;
  readonly #ackWaitMs: number;
  readonly #shared: SharedByDeliveries;
  readonly #slots: Slots;
  readonly #fetcher: Fetcher;
  readonly #draining = new AbortController();
  readonly #ended = new AbortController();
  readonly #drained = deferred<void>();
  #phase: "running" | "draining" | "stopping" = "running";
  #failedFetches = 0;

  /** @param onLost is called once when no more messages will come, unless the loop is draining. */
  constructor(
    source: Consumer,
    { config, name, stream_name }: ConsumerInfo,
    options: ResolvedConsumeOptions,
    auditor: Auditor,
    clock: Clock,
    onLost: (loss: ConsumerLoss) => void,
  ) {
    this.#source = source;
    this.#clock = clock;
    this.#auditor = auditor;
    this.#onLost = onLost;
    this.#ackWaitMs = ackWaitOf(config).waitMs;
    this.#slots = new Slots(options.concurrency);
    this.#fetcher = new Fetcher(source, config, {
      free: () => this.#slots.free,
      receive: (message) => this.#receive(message),
      recover: (error) => this.#recover(error),
    });
    this.#shared = {
      options,
      consumer: name,
      subscriptionId: options.subscriptionId ?? `${stream_name}/${name}`,
      serverMaxDeliver: serverMaxDeliver(config),
      clock,
      system: new ActorSystem(),
      failureCounts: new FailureCounts(),
      finishedMessages: new FinishedMessages(),
      auditor,
      onSlotReleased: (delivery) => this.#slotReleased(delivery),
      onSettled: (delivery) => this.#settled(delivery),
      onDeduplicatorClosed: (cause) => this.#lose({ reason: "the deduplicator is closed", cause }),
    };
  }

  /** Aborts when every delivery is settled after {@link drain}. */
  get ended(): AbortSignal {
    return this.#ended.signal;
  }

  start(): void {
    void sendInProgressAcks(this.#slots.all(), this.#ackWaitMs, this.#clock, this.ended);
    this.#fetcher.refill();
  }

  /** Fetches and begins nothing new. Resolves when every delivery is settled. */
  drain(): Promise<void> {
    if (this.#phase === "running") {
      this.#phase = "draining";
      void this.#drain();
    }
    return this.#drained.promise;
  }

  /** Aborts running dispatches. */
  forceStop(): void {
    this.#phase = "stopping";
    for (const delivery of this.#slots.all()) delivery.send({ type: "force.stop" });
  }

  /** Settles deliveries whose dispatch did not stop. */
  endGrace(): void {
    for (const delivery of this.#slots.all()) delivery.send({ type: "grace.ended" });
  }

  async #drain(): Promise<void> {
    this.#draining.abort();
    const stopped = this.#fetcher.stop();
    for (const delivery of this.#slots.all()) delivery.send({ type: "draining" });
    await stopped;
    await this.#slots.empty();
    this.#ended.abort();
    this.#drained.resolve();
  }

  #receive(message: JsMsg): void {
    this.#failedFetches = 0;
    const delivery = new MessageDelivery(message, this.#shared);
    this.#slots.add(delivery);
    if (this.#phase !== "running") delivery.send({ type: "draining" });
    if (this.#phase === "stopping") delivery.send({ type: "force.stop" });
    this.#slots.assign();
  }

  #slotReleased(delivery: MessageDelivery): void {
    this.#slots.release(delivery);
    this.#useFreeSlots();
  }

  #settled(delivery: MessageDelivery): void {
    this.#slots.delete(delivery);
    this.#useFreeSlots();
  }

  #useFreeSlots(): void {
    this.#slots.assign();
    this.#fetcher.refill();
  }

  async #recover(error: unknown): Promise<void> {
    this.#auditor.consumer({ type: "trigger.pull.failed", error });
    const loss = await diagnoseFetchFailure(this.#source, error, this.#clock, this.#draining.signal);
    if (loss !== undefined) this.#lose(loss);
    this.#failedFetches += 1;
    await delay(this.#clock, backoffMs(this.#failedFetches, FETCH_BACKOFF), [this.#draining.signal]);
  }

  #lose(loss: ConsumerLoss): void {
    if (this.#phase === "running") this.#onLost(loss);
  }
}
