import { BoxedMap } from "../../internal/boxed-map.ts";
import { Deferred } from "../../internal/deferred.ts";
import type { MessageDelivery } from "./delivery.ts";
import { OrderedQueue } from "./ordered-queue.ts";

/** Maximum number of deliveries that wait for their dead letter, or for another message with their key. With more, nothing is fetched. */
const MAX_WITHOUT_SLOT = 1_000;

/**
 * The deliveries of one consumer. At most `concurrency` of them have a slot. The others wait for one in the order of their arrival.
 * A delivery needs none while its dead letter is stored, or while it waits for an earlier message with its ordering key.
 */
export class Slots {
  readonly #concurrency: number;
  readonly #all = new BoxedMap<number, MessageDelivery>();
  /** Ids of deliveries. They end soon, so only the boxed map refers to them. */
  readonly #queue = new OrderedQueue<number>();
  readonly #assigned = new Set<number>();
  #empty: Deferred<void> | undefined;

  constructor(concurrency: number) {
    this.#concurrency = concurrency;
  }

  /** Number of messages to fetch; negative if more arrived than were asked for. */
  get free(): number {
    const used = this.#queue.ready + this.#assigned.size;
    const withoutSlot = this.#all.size - used;
    return Math.min(this.#concurrency - used, MAX_WITHOUT_SLOT - withoutSlot);
  }

  all(): Iterable<MessageDelivery> {
    return this.#all.values();
  }

  add(delivery: MessageDelivery): void {
    this.#all.set(delivery.id, delivery);
    this.#queue.add(delivery.id, { key: delivery.orderingKey, sequence: delivery.message.seq });
  }

  /** Frees the delivery's slot, or its place in the queue. It remains one of {@link all}. */
  release(delivery: MessageDelivery): void {
    this.#queue.remove(delivery.id);
    this.#assigned.delete(delivery.id);
  }

  delete(delivery: MessageDelivery): void {
    this.#all.delete(delivery.id);
    this.release(delivery);
    if (this.#all.size === 0) this.#empty?.resolve();
  }

  /** Gives free slots to waiting deliveries. */
  assign(): void {
    while (this.#assigned.size < this.#concurrency) {
      const id = this.#queue.take();
      if (id === undefined) return;
      this.#assigned.add(id);
      this.#all.get(id)?.send({ type: "slot.acquired" });
    }
  }

  /** Resolves once there are no deliveries. */
  async empty(): Promise<void> {
    if (this.#all.size === 0) return;
    this.#empty ??= new Deferred<void>();
    await this.#empty.promise;
  }
}
