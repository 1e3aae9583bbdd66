import type { Consumer, ConsumerConfig, ConsumerMessages, JsMsg } from "@nats-io/jetstream";
import { millis } from "@nats-io/nats-core";

/** How long one request for messages stands at the server; after twice the heartbeat without a sign of it, it is repeated. */
const REQUEST_MS = 10_000;
const HEARTBEAT_MS = 2_500;

/**
 * Asks the server for a number of messages at a time. The client's own `consume()` would ask for more by itself and keep them
 * where nobody can tell the server that they are not forgotten.
 */
export class Fetcher {
  readonly #consumer: Consumer;
  readonly #expiresMs: number;
  readonly #mostAtOnce: number;
  readonly #receive: (message: JsMsg) => void;
  readonly #open = new Set<ConsumerMessages>();
  #expected = 0;
  #isStopped = false;

  constructor(consumer: Consumer, config: ConsumerConfig, receive: (message: JsMsg) => void) {
    const { max_expires = 0, max_batch = 0 } = config;
    this.#consumer = consumer;
    this.#expiresMs = max_expires > 0 ? Math.min(REQUEST_MS, millis(max_expires)) : REQUEST_MS;
    this.#mostAtOnce = max_batch > 0 ? max_batch : Number.POSITIVE_INFINITY;
    this.#receive = receive;
  }

  /** How many messages were asked for and may still come. */
  get expected(): number {
    return this.#expected;
  }

  /** Asks for `count` messages at most; resolves when all of them came or no more will, and rejects when they cannot be had. */
  async ask(count: number): Promise<void> {
    const wanted = Math.min(count, this.#mostAtOnce);
    let left = wanted;
    this.#expected += wanted;
    try {
      const messages = await this.#consumer.fetch({
        max_messages: wanted,
        expires: this.#expiresMs,
        idle_heartbeat: Math.min(HEARTBEAT_MS, this.#expiresMs / 2),
      });
      this.#open.add(messages);
      if (this.#isStopped) void messages.close();
      try {
        for await (const message of messages) {
          // After a reconnect the whole request is repeated, so that more may come than was asked for.
          if (left > 0) {
            left -= 1;
            this.#expected -= 1;
          }
          this.#receive(message);
        }
      } finally {
        this.#open.delete(messages);
      }
    } finally {
      this.#expected -= left;
    }
  }

  /** What the server has sent by now may be lost on the way, and comes back after `ack_wait`. */
  stop(): void {
    this.#isStopped = true;
    for (const messages of this.#open) void messages.close();
  }
}
