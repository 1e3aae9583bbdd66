import type { Consumer, ConsumerMessages, JsMsg } from "@nats-io/jetstream";
import { type PriorityGroup, requestedGroup } from "./priority-group.ts";

/** The client gives up a request after two missed heartbeats. */
export const HEARTBEAT_MS = 2_500;

/** Limits of one request. */
export interface FetchLimits {
  readonly maxBatch: number;
  /** Time for which a request waits at the server, in milliseconds. */
  readonly expiresMs: number;
}

export interface FetcherOptions {
  readonly group: PriorityGroup | undefined;
  /** Returns the limits that the server applies now. */
  readonly limits: () => FetchLimits;
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
  readonly #options: FetcherOptions;
  readonly #requests = new Set<Promise<void>>();
  readonly #open = new Set<ConsumerMessages>();
  /** Number of messages that were requested and may still arrive. */
  #expected = 0;
  #state: "idle" | "refill due" | "recovering" | "stopped" = "idle";

  constructor(consumer: Consumer, options: FetcherOptions) {
    this.#consumer = consumer;
    this.#options = options;
  }

  /** Requests messages for the free slots soon: one request replaces all messages that are answered together. */
  refill(): void {
    if (this.#state !== "idle") return;
    this.#state = "refill due";
    setImmediate(() => {
      if (this.#state !== "refill due") return;
      this.#state = "idle";
      this.#refill();
    });
  }

  /** Ends all requests. Messages that the server has already sent may be lost on the way: they return after `ack_wait`. */
  async stop(): Promise<void> {
    this.#state = "stopped";
    for (const messages of this.#open) void messages.close();
    await Promise.all(this.#requests);
  }

  /** Skipped while more than half of the free slots are requested: few requests, and no slot is free for long. */
  #refill(): void {
    const free = this.#options.free();
    if (this.#expected >= free || this.#expected * 2 > free) return;
    const request = this.#request(free - this.#expected).finally(() => this.#requests.delete(request));
    this.#requests.add(request);
  }

  async #request(count: number): Promise<void> {
    try {
      await this.#fetch(count);
      this.refill();
    } catch (error) {
      void this.#recover(error);
    }
  }

  /** Resolves once all messages arrived or no more will. Rejects if the server or the connection fails. */
  async #fetch(wanted: number): Promise<void> {
    const { maxBatch, expiresMs } = this.#options.limits();
    const count = Math.min(wanted, maxBatch);
    let left = count;
    this.#expected += count;
    try {
      const messages = await this.#consumer.fetch({
        max_messages: count,
        expires: expiresMs,
        idle_heartbeat: Math.min(HEARTBEAT_MS, expiresMs / 2),
        ...requestedGroup(this.#options.group),
      });
      this.#open.add(messages);
      if (this.#state === "stopped") void messages.close();
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
    if (this.#state === "stopped" || this.#state === "recovering") return;
    this.#state = "recovering";
    await this.#options.recover(error);
    this.#resume();
  }

  #resume(): void {
    if (this.#state !== "recovering") return;
    this.#state = "idle";
    this.refill();
  }
}
