import type { Consumer, ConsumerMessages, JsMsg } from "@nats-io/jetstream";
import { type FetchLimits, HEARTBEAT_MS } from "./fetcher.ts";
import { type PriorityGroup, requestedGroup } from "./priority-group.ts";

export interface PinnedFetcherOptions {
  readonly group: PriorityGroup | undefined;
  readonly concurrency: number;
  /** Returns the limits that the server applies now. */
  readonly limits: () => FetchLimits;
  readonly receive: (message: JsMsg) => void;
  /** Called when requests fail; nothing is requested until the promise settles. */
  readonly recover: (error: unknown) => Promise<void>;
}

/**
 * Fetches the messages of a consumer whose server pins one client. Each request must carry the pin of the one before, or the server
 * takes it for a standby's. Only the client's `consume()` does that. It requests ahead, up to `max_ack_pending`, which harms nobody:
 * no other replica gets messages. Those beyond the concurrency wait in this process, which sends in-progress acks for them.
 */
export class PinnedFetcher {
  readonly #consumer: Consumer;
  readonly #options: PinnedFetcherOptions;
  #messages: ConsumerMessages | undefined;
  #running: Promise<void> = Promise.resolve();
  #state: "idle" | "running" | "stopped" = "idle";

  constructor(consumer: Consumer, options: PinnedFetcherOptions) {
    this.#consumer = consumer;
    this.#options = options;
  }

  /** Begins to request messages. The client repeats requests by itself. */
  refill(): void {
    if (this.#state !== "idle") return;
    this.#state = "running";
    this.#running = this.#run();
  }

  /** Ends all requests. Messages that the server has already sent may be lost on the way: they return after `ack_wait`. */
  async stop(): Promise<void> {
    this.#state = "stopped";
    void this.#messages?.close();
    await this.#running;
  }

  async #run(): Promise<void> {
    while (this.#state === "running") {
      try {
        await this.#consume();
      } catch (error) {
        if (this.#isStopped()) return;
        await this.#options.recover(error);
      }
    }
  }

  /** Resolves when the requests were ended. Rejects if the server or the connection fails. */
  async #consume(): Promise<void> {
    const { group, concurrency, limits, receive } = this.#options;
    const { maxBatch, expiresMs } = limits();
    this.#messages = await this.#consumer.consume({
      max_messages: Math.min(concurrency, maxBatch),
      expires: expiresMs,
      idle_heartbeat: Math.min(HEARTBEAT_MS, expiresMs / 2),
      abort_on_missing_resource: true,
      callback: receive,
      ...requestedGroup(group),
    });
    if (this.#isStopped()) void this.#messages.close();
    const error = await this.#messages.closed();
    if (error instanceof Error) throw error;
  }

  #isStopped(): boolean {
    return this.#state === "stopped";
  }
}
