import type { Consumer, ConsumerInfo, JsMsg } from "@nats-io/jetstream";
import { LatchkeyError } from "../../errors.ts";
import { type BackoffRange, backoffMs } from "../../internal/backoff.ts";
import { type Clock, delay } from "../../internal/clock.ts";
import { ActorSystem } from "../../statechart/actor-system.ts";
import type { Auditor } from "./auditor.ts";
import { confirmedAcks } from "./confirmed-ack.ts";
import type { ResolvedConsumeOptions } from "./consume-options.ts";
import type { ConsumerFinding } from "./consumer-finding.ts";
import { MessageDelivery, type SharedByDeliveries } from "./delivery.ts";
import { FailureCounts } from "./failure-counts.ts";
import { type ConsumerLoss, diagnoseFetchFailure } from "./fetch-failure.ts";
import { Fetcher, type FetchLimits } from "./fetcher.ts";
import { FinishedMessages } from "./finished-messages.ts";
import { sendInProgressAcks } from "./in-progress-acks.ts";
import { LiveSettings } from "./live-settings.ts";
import { PinnedFetcher } from "./pinned-fetcher.ts";
import { isPinned } from "./priority-group.ts";
import type { ServerTime } from "./server-time.ts";
import { Slots } from "./slots.ts";
import { ConsumerMisconfiguredError } from "./start-up-check.ts";

const FETCH_BACKOFF: BackoffRange = { firstMs: 100, longestMs: 5_000 };

/** Turns the messages of one consumer into deliveries. */
export class ConsumerLoop {
  readonly #source: Consumer;
  readonly #clock: Clock;
  readonly #auditor: Auditor;
  readonly #onLost: (error: LatchkeyError) => void;
  readonly #settings: LiveSettings;
  readonly #shared: SharedByDeliveries;
  readonly #slots: Slots;
  readonly #fetcher: Fetcher | PinnedFetcher;
  // The stage of the loop is the last of these that aborted.
  readonly #draining = new AbortController();
  readonly #stopping = new AbortController();
  readonly #ended = new AbortController();
  #drained: Promise<void> | undefined;
  #failedFetches = 0;
  #lastId = 0;

  /** @param onLost is called once when no more messages will come, unless the loop is draining. */
  constructor(
    source: Consumer,
    info: ConsumerInfo,
    options: ResolvedConsumeOptions,
    auditor: Auditor,
    clock: Clock,
    time: ServerTime,
    onLost: (error: LatchkeyError) => void,
  ) {
    const { name, stream_name } = info;
    this.#source = source;
    this.#clock = clock;
    this.#auditor = auditor;
    this.#onLost = onLost;
    this.#settings = new LiveSettings(source, info, options, auditor, clock, time, {
      onChanged: (wasRecreated) => this.#changed(wasRecreated),
      onRefused: (findings) => this.#refuse(findings),
    });
    this.#slots = new Slots(options.concurrency);
    const receive = (message: JsMsg): void => this.#receive(message);
    const recover = (error: unknown): Promise<void> => this.#recover(error);
    const limits = (): FetchLimits => this.#settings.fetchLimits;
    const { group, concurrency } = options;
    this.#fetcher = isPinned(info.config)
      ? new PinnedFetcher(source, { group, concurrency, limits, receive, recover })
      : new Fetcher(source, { group, limits, free: () => this.#slots.free, receive, recover });
    this.#shared = {
      options,
      consumer: name,
      subscriptionId: options.subscriptionId ?? `${stream_name}/${name}`,
      settings: this.#settings,
      clock,
      time,
      system: new ActorSystem(),
      failureCounts: new FailureCounts(),
      finishedMessages: new FinishedMessages(),
      auditor,
      acknowledge: confirmedAcks(source),
      aborting: new AbortController(),
      onSlotReleased: (delivery) => this.#slotReleased(delivery),
      onSettled: (delivery) => this.#settled(delivery),
      onUnusable: (finding) => this.#refuse([finding]),
      onDeduplicatorClosed: (cause) => this.#loseMessages({ reason: "the deduplicator is closed", cause }),
    };
  }

  /** Aborts when every delivery is settled after {@link drain}. */
  get ended(): AbortSignal {
    return this.#ended.signal;
  }

  /** Reports what the start-up check advises against. */
  report(warnings: readonly ConsumerFinding[]): void {
    this.#settings.report(warnings);
  }

  start(): void {
    void sendInProgressAcks(
      () => this.#slots.all(),
      () => this.#settings.ackWaitMs,
      this.#clock,
      this.ended,
    );
    void this.#settings.watch(this.#draining.signal);
    this.#fetcher.refill();
  }

  /** Fetches and begins nothing new. Resolves when every delivery is settled. */
  drain(): Promise<void> {
    this.#drained ??= this.#drain();
    return this.#drained;
  }

  /** Aborts running dispatches. */
  forceStop(): void {
    this.#stopping.abort();
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
  }

  #receive(message: JsMsg): void {
    this.#failedFetches = 0;
    this.#lastId += 1;
    const delivery = new MessageDelivery(this.#lastId, message, this.#shared);
    this.#slots.add(delivery);
    if (this.#draining.signal.aborted) delivery.send({ type: "draining" });
    if (this.#stopping.signal.aborted) delivery.send({ type: "force.stop" });
    // Messages of several requests can arrive together. They are ordered before the first of them begins.
    if (delivery.orderingKey === undefined) this.#slots.assign();
    else setImmediate(() => this.#slots.assign());
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

  #changed(wasRecreated: boolean): void {
    if (wasRecreated) {
      // The server counts deliveries from 1 again.
      this.#shared.finishedMessages.clear();
      this.#shared.failureCounts.clear();
    }
    for (const delivery of this.#slots.all()) delivery.sendLimit();
  }

  async #recover(error: unknown): Promise<void> {
    this.#auditor.consumer({ type: "trigger.pull.failed", error });
    const found = await diagnoseFetchFailure(this.#source, error, this.#clock, this.#draining.signal);
    if (found !== undefined && "reason" in found) this.#loseMessages(found);
    // A limit of the consumer that was lowered refuses the same request forever.
    else if (found !== undefined) await this.#settings.take(found);
    this.#failedFetches += 1;
    await delay(this.#clock, backoffMs(this.#failedFetches, FETCH_BACKOFF), [this.#draining.signal]);
  }

  #refuse(findings: readonly ConsumerFinding[]): void {
    this.#lose(new ConsumerMisconfiguredError(this.#settings.name, findings));
  }

  #loseMessages({ reason, cause }: ConsumerLoss): void {
    const message = `The consumer ${this.#settings.name} delivers no more messages: ${reason}`;
    this.#lose(new LatchkeyError("closed", message, { cause }));
  }

  #lose(error: LatchkeyError): void {
    if (!this.#draining.signal.aborted) this.#onLost(error);
  }
}
