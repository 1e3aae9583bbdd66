import { type Consumer, type ConsumerInfo, JetStreamApiCodes, type JsMsg } from "@nats-io/jetstream";
import { errors } from "@nats-io/nats-core";
import { LatchkeyError } from "../../errors.ts";
import { callListener } from "../../internal/call-listener.ts";
import { type Clock, delay } from "../../internal/clock.ts";
import { deferred } from "../../internal/deferred.ts";
import { wholeNumber } from "../../internal/validate.ts";
import type { Audit, ConsumerAudit, MessageAudit } from "./audit.ts";
import type { ResolvedConsumeOptions } from "./consume-options.ts";
import { type ConsumerContext, Delivery } from "./delivery.ts";
import { FailureCounts } from "./failure-counts.ts";
import { Fetcher } from "./fetcher.ts";
import { ackWaitOf, serverMaxDeliver } from "./start-up-check.ts";

/** How long `stop` waits for what runs. */
const DEFAULT_DRAIN_MS = 10_000;
/** How long a dispatch that was told to stop may take to do so. */
const ABORT_GRACE_MS = 1_000;
/** So often within the server's patience it is told that a message is not forgotten. */
const SIGNS_OF_LIFE = 4;
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 5_000;
/** For so long a consumer of which nobody has heard is asked for again, before it counts as deleted. */
const UNHEARD_OF_MS = 1_000;

/** A consumer at work: keeps as many messages in hand as may be worked on at once, and no more. */
export class ConsumerLoop implements ConsumerContext, AsyncDisposable {
  readonly options: ResolvedConsumeOptions;
  readonly consumer: string;
  readonly subscriptionId: string;
  readonly serverMaxDeliver: number;
  readonly knowsReasons: boolean;
  readonly clock: Clock;
  readonly past = new FailureCounts();
  readonly #source: Consumer;
  readonly #stream: string;
  readonly #signEveryMs: number;
  readonly #puller: Fetcher;
  /** In hand: waiting for their turn or begun. */
  readonly #held = new Set<Delivery>();
  readonly #waiting = new Set<Delivery>();
  readonly #stopping = new AbortController();
  readonly #finished = deferred<void>();
  readonly #stopped = deferred<void>();
  readonly #stopOnSignal = (): void => void this.stop();
  readonly #timers = new Set<() => void>();
  #requests = 0;
  #refillIsDue = false;
  #recovering: Promise<void> | undefined;
  #pauseMs = FIRST_PAUSE_MS;
  #isLettingGo = false;
  #isOver = false;
  #loss: LatchkeyError | undefined;

  constructor(source: Consumer, info: ConsumerInfo, options: ResolvedConsumeOptions, clock: Clock) {
    const { config, name, stream_name } = info;
    this.options = options;
    this.consumer = name;
    this.subscriptionId = options.subscriptionId ?? `${stream_name}/${name}`;
    this.serverMaxDeliver = serverMaxDeliver(config);
    // Only servers since 2.11 say there which they are.
    this.knowsReasons = config.metadata?.["_nats.ver"] !== undefined;
    this.clock = clock;
    this.#source = source;
    this.#stream = stream_name;
    this.#signEveryMs = ackWaitOf(config).waitMs / SIGNS_OF_LIFE;
    this.#puller = new Fetcher(source, config, (message) => this.#receive(message));
  }

  start(): void {
    this.options.signal?.addEventListener("abort", this.#stopOnSignal);
    this.#signLife();
    this.#refill();
    if (this.options.signal?.aborted === true) this.#stopOnSignal();
  }

  get finished(): Promise<void> {
    return this.#finished.promise;
  }

  async stop(options: { readonly drainMs?: number } = {}): Promise<void> {
    const drainMs = wholeNumber("drainMs", options.drainMs ?? DEFAULT_DRAIN_MS, 0);
    if (!this.#stopping.signal.aborted) {
      this.#stopping.abort();
      this.#puller.stop();
      for (const delivery of this.#held) delivery.send({ type: "draining" });
    }
    if (drainMs === 0) this.#letGo();
    else this.#after(drainMs, () => this.#letGo());
    this.#finishIfDone();
    return this.#stopped.promise;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  // What the deliveries ask for.

  audit({ message, identity }: Delivery, detail: MessageAudit): void {
    this.#tell({
      ...detail,
      ...this.#consumerFields(),
      subject: message.subject,
      sequence: message.seq,
      deliveries: message.info.deliveryCount,
      ...(identity === undefined ? {} : { identity }),
    });
  }

  settled(delivery: Delivery): void {
    this.#held.delete(delivery);
    this.#waiting.delete(delivery);
    this.#beginNext();
    this.#refillSoon();
    this.#finishIfDone();
  }

  deduplicatorClosed(cause: unknown): void {
    this.#lose("the deduplicator is closed", cause);
  }

  auditConsumer(detail: ConsumerAudit): void {
    this.#tell({ ...detail, ...this.#consumerFields() });
  }

  #consumerFields(): { readonly stream: string; readonly consumer: string; readonly atMs: number } {
    return { stream: this.#stream, consumer: this.consumer, atMs: this.clock.wallMs() };
  }

  #tell(audit: Audit): void {
    callListener((told) => this.options.onAudit(told), audit);
  }

  #receive(message: JsMsg): void {
    const delivery = new Delivery(this, message);
    this.#pauseMs = FIRST_PAUSE_MS;
    this.#held.add(delivery);
    this.#waiting.add(delivery);
    this.#beginNext();
  }

  /** While stopping, only what would not be delivered again is begun still. */
  #beginNext(): void {
    for (const delivery of this.#waiting) {
      if (this.#stopping.signal.aborted) delivery.send({ type: "draining" });
      if (this.#isLettingGo) delivery.send({ type: "let.go" });
      if (this.#held.size - this.#waiting.size >= this.options.concurrency) continue;
      this.#waiting.delete(delivery);
      delivery.send({ type: "turn.came" });
    }
  }

  /** Messages that are answered together are replaced by one request. */
  #refillSoon(): void {
    if (this.#refillIsDue || this.#stopping.signal.aborted) return;
    this.#refillIsDue = true;
    setImmediate(() => {
      this.#refillIsDue = false;
      this.#refill();
    });
  }

  /** Asks for what may be taken on, unless half of that is asked for already: few requests, and no slot free for long. */
  #refill(): void {
    if (this.#stopping.signal.aborted || this.#recovering !== undefined) return;
    const free = this.options.concurrency - this.#held.size;
    const { expected } = this.#puller;
    if (expected < free && expected * 2 <= free) void this.#ask(free - expected);
  }

  async #ask(count: number): Promise<void> {
    this.#requests += 1;
    try {
      await this.#puller.ask(count);
      this.#refillSoon();
    } catch (error) {
      if (!this.#stopping.signal.aborted) this.#recover(error);
    } finally {
      this.#requests -= 1;
      this.#finishIfDone();
    }
  }

  /** Finds out why there are no messages; all requests that fail meanwhile fail for the same reason. */
  #recover(error: unknown): void {
    if (this.#recovering !== undefined) return;
    this.auditConsumer({ type: "trigger.pull.failed", error });
    this.#recovering = this.#diagnose(error).finally(() => {
      this.#recovering = undefined;
      this.#refill();
    });
  }

  async #diagnose(error: unknown): Promise<void> {
    if (isClosed(error)) {
      this.#lose("the connection is closed", error);
      return;
    }
    const cause = await this.#whyNoInfo();
    if (isGone(cause)) this.#lose("it no longer exists", cause);
    else if (isClosed(cause)) this.#lose("the connection is closed", cause);
    const pauseMs = this.#pauseMs;
    this.#pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
    await this.#pause(pauseMs);
  }

  /** A server of a cluster that has just come to lead the metadata may not have heard of the consumer. */
  async #whyNoInfo(): Promise<unknown> {
    const giveUpAtMs = this.clock.monotonicMs() + UNHEARD_OF_MS;
    for (;;) {
      const cause = await this.#source.info().then(
        () => undefined,
        (error: unknown) => error,
      );
      if (!isGone(cause) || this.#stopping.signal.aborted || this.clock.monotonicMs() >= giveUpAtMs) return cause;
      await this.#pause(FIRST_PAUSE_MS);
    }
  }

  /** Ends early when the consumer is to stop. */
  async #pause(pauseMs: number): Promise<void> {
    await delay(this.clock, pauseMs, [this.#stopping.signal]);
  }

  #lose(why: string, cause: unknown): void {
    if (this.#stopping.signal.aborted) return;
    const name = `${this.#stream}/${this.consumer}`;
    this.#loss = new LatchkeyError("closed", `The consumer ${name} brings no more messages: ${why}`, { cause });
    this.auditConsumer({ type: "trigger.consumer.lost", error: this.#loss });
    void this.stop();
  }

  #signLife(): void {
    const nowMs = this.clock.monotonicMs();
    for (const delivery of this.#held) {
      if (nowMs - delivery.receivedAtMs >= this.#signEveryMs) delivery.working();
    }
    this.#after(this.#signEveryMs, () => this.#signLife());
  }

  #letGo(): void {
    if (this.#isLettingGo) return;
    this.#isLettingGo = true;
    for (const delivery of this.#held) delivery.send({ type: "let.go" });
    this.#after(ABORT_GRACE_MS, () => {
      for (const delivery of this.#held) delivery.send({ type: "abandoned" });
    });
  }

  #after(delayMs: number, run: () => void): void {
    if (this.#isOver) return;
    const cancel = this.clock.schedule(delayMs, () => {
      this.#timers.delete(cancel);
      run();
    });
    this.#timers.add(cancel);
  }

  #finishIfDone(): void {
    if (this.#isOver || !this.#stopping.signal.aborted || this.#held.size > 0 || this.#requests > 0) return;
    this.#isOver = true;
    for (const cancel of this.#timers) cancel();
    this.options.signal?.removeEventListener("abort", this.#stopOnSignal);
    this.#stopped.resolve();
    if (this.#loss === undefined) this.#finished.resolve();
    else this.#finished.reject(this.#loss);
  }
}

function isClosed(error: unknown): boolean {
  return error instanceof errors.ClosedConnectionError || error instanceof errors.DrainingConnectionError;
}

function isGone(error: unknown): boolean {
  if (!(error instanceof Error) || !("code" in error)) return false;
  return error.code === JetStreamApiCodes.ConsumerNotFound || error.code === JetStreamApiCodes.StreamNotFound;
}
