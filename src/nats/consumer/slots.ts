import { type Deferred, deferred } from "../../internal/deferred.ts";
import type { MessageDelivery } from "./delivery.ts";

/** The deliveries of one consumer. At most `concurrency` of them are in progress; the others wait in the order of their arrival. */
export class Slots {
  readonly #concurrency: number;
  readonly #all = new Set<MessageDelivery>();
  readonly #waiting = new Set<MessageDelivery>();
  #empty: Deferred<void> | undefined;

  constructor(concurrency: number) {
    this.#concurrency = concurrency;
  }

  /** Number of messages to fetch; negative if more arrived than were asked for. */
  get free(): number {
    return this.#concurrency - this.#all.size;
  }

  all(): Iterable<MessageDelivery> {
    return this.#all;
  }

  add(delivery: MessageDelivery): void {
    this.#all.add(delivery);
    this.#waiting.add(delivery);
  }

  delete(delivery: MessageDelivery): void {
    this.#all.delete(delivery);
    this.#waiting.delete(delivery);
    if (this.#all.size === 0) this.#empty?.resolve();
  }

  /** Gives free slots to waiting deliveries. */
  assign(): void {
    for (const delivery of this.#waiting) {
      if (this.#all.size - this.#waiting.size >= this.#concurrency) return;
      this.#waiting.delete(delivery);
      delivery.send({ type: "slot.acquired" });
    }
  }

  /** Resolves once there are no deliveries. */
  async empty(): Promise<void> {
    if (this.#all.size === 0) return;
    this.#empty ??= deferred<void>();
    await this.#empty.promise;
  }
}
