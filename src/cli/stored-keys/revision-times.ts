import type { Fence } from "../../model/record.ts";
import type { StoredMessage } from "../../nats/kv/stored-message.ts";

/**
 * Maps revisions to the time at which the bucket reached them. A renewal overwrites the time of its reservation's first write.
 * The fence is the revision of that write, so every later message bounds its time.
 */
export class RevisionTimes {
  readonly #revisions: number[] = [];
  readonly #timesMs: number[] = [];

  /** Adds a message. Messages must come in the order of their revisions. */
  note({ revision, storedAtMs }: Pick<StoredMessage, "revision" | "storedAtMs">): void {
    this.#revisions.push(revision);
    this.#timesMs.push(storedAtMs);
  }

  /** Returns the latest time at which a reservation with this fence can have begun; `knownMs` is an upper bound. */
  heldSinceMs(fence: Fence, knownMs: number): number {
    return Math.min(knownMs, this.#timesMs[this.#firstFrom(fence)] ?? knownMs);
  }

  #firstFrom(revision: number): number {
    let [low, high] = [0, this.#revisions.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (Number(this.#revisions[middle]) < revision) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
