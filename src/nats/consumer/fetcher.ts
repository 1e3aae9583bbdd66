import type { Consumer, ConsumerConfig, ConsumerMessages, JsMsg } from "@nats-io/jetstream";
import { millis } from "@nats-io/nats-core";

/** Time for which a fetch request waits at the server, in milliseconds. */
const REQUEST_MS = 10_000;
/** The client gives up a request after two missed heartbeats. */
const HEARTBEAT_MS = 2_500;

export interface FetcherOptions {
  /** Returns how many more messages the consumer can take. */
  readonly free: () => number;
  readonly receive: (message: JsMsg) => void;
  /** Called when a request fails; the fetcher requests nothing until the promise settles. */
  readonly recover: (error: unknown) => Promise<void>;
}

/**
 * Fetches messages for free slots. The client's own `consume()` would fetch ahead and buffer messages, for which nothing could then
 * send in-progress acks.
 */
export class Fetcher {
  readonly #consumer: Consumer;
  readonly #expiresMs: number;
  readonly #maxBatch: number;
  readonly #options: FetcherOptions;
  readonly #requests = new Set<Promise<void>>();
  readonly #open = new Set<ConsumerMessages>();
  /** Number of messages that were requested and may still arrive. */
  #expected = 0;
  #isRefillDue = false;
  #isRecovering = false;
  #isStopped = false;

  constructor(consumer: Consumer, config: ConsumerConfig, options: FetcherOptions) {
    const { max_expires = 0, max_batch = 0 } = config;
    this.#consumer = consumer;
    this.#expiresMs = max_expires > 0 ? Math.min(REQUEST_MS, millis(max_expires)) : REQUEST_MS;
    this.#maxBatch = max_batch > 0 ? max_batch : Number.POSITIVE_INFINITY;
    this.#options = options;
  }

  /** Requests messages for the free slots soon: one request replaces all messages that are answered together. */
  refill(): void {
    if (this.#isRefillDue || this.#isStopped) return;
    this.#isRefillDue = true;
    setImmediate(() => {
      this.#isRefillDue = false;
      this.#refill();
    });
  }

  /** Ends all requests. Messages that the server has already sent may be lost on the way: they return after `ack_wait`. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    for (const messages of this.#open) void messages.close();
    await Promise.all(this.#requests);
  }

  /** Skipped while more than half of the free slots are requested: few requests, and no slot is free for long. */
  #refill(): void {
    if (this.#isStopped || this.#isRecovering) return;
    const free = this.#options.free();
    if (this.#expected >= free || this.#expected * 2 > free) return;
    const request = this.#request(free - this.#expected).finally(() => this.#requests.delete(request));
    this.#requests.add(request);
  }

  async #request(count: number): Promise<void> {
    try {
      await this.#fetch(Math.min(count, this.#maxBatch));
      this.refill();
    } catch (error) {
      void this.#recover(error);
    }
  }

  /** Resolves once all messages arrived or no more will. Rejects if the server or the connection fails. */
  async #fetch(count: number): Promise<void> {
    let left = count;
    this.#expected += count;
    try {
      const messages = await this.#consumer.fetch({
        max_messages: count,
        expires: this.#expiresMs,
        idle_heartbeat: Math.min(HEARTBEAT_MS, this.#expiresMs / 2),
      });
      this.#open.add(messages);
      if (this.#isStopped) void messages.close();
      try {
        for await (const message of messages) {
          // After a reconnect the client repeats the whole request, so more messages than requested can arrive.
          if (left > 0) {
            left -= 1;
            this.#expected -= 1;
          }
          this.#options.receive(message);
        }
      } finally {
        this.#open.delete(messages);
      }
    } finally {
      this.#expected -= left;
    }
  }

  /** Requests that fail during a recovery fail for the same reason. */
  async #recover(error: unknown): Promise<void> {
    if (this.#isStopped || this.#isRecovering) return;
    this.#isRecovering = true;
    await this.#options.recover(error);
    this.#isRecovering = false;
    this.refill();
  }
}
