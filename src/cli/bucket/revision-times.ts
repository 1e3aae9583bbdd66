import type { Fence } from "../../model/record.ts";
import type { StoredMessage } from "../../nats/kv/stored-message.ts";

/**
 * When a bucket had reached which revision, as its messages tell. A renewal hides when its reservation began, but not the fence,
 * which is the revision with which it began; and what was written after that is younger.
 */
export class RevisionTimes {
  readonly #revisions: number[] = [];
  readonly #timesMs: number[] = [];

  /** Takes the messages in the order of their revisions. */
  note({ revision, storedAtMs }: Pick<StoredMessage, "revision" | "storedAtMs">): void {
    this.#revisions.push(revision);
    this.#timesMs.push(storedAtMs);
  }

  /** Since when at the latest a reservation with this fence is held, that is known to have been at `knownMs`. */
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
