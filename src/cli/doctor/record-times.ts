import type { StoredKey } from "../stored-keys/stored-key.ts";

export interface OwnerClock {
  readonly owner: string;
  /** Offset to add to the owner's clock to get the server's time. Includes the duration of a write. */
  readonly offsetMs: number;
}

const NAMED = 3;

/**
 * Derives clock differences from records. A record contains the time of its owner's clock, and the server adds its own time. The
 * fastest write of an owner bounds the difference best. Times of later revisions should not be earlier.
 */
export class RecordTimes {
  readonly #quickestMs = new Map<string, number>();
  #latestMs = 0;
  #largestStepBackMs = 0;

  /** Starts another bucket, whose times are not compared with the previous one's. */
  beginBucket(): void {
    this.#latestMs = 0;
  }

  /** Adds a key. Keys of a bucket must come in the order of their revisions. */
  note(stored: StoredKey): void {
    this.#largestStepBackMs = Math.max(this.#largestStepBackMs, this.#latestMs - stored.storedAtMs);
    this.#latestMs = Math.max(this.#latestMs, stored.storedAtMs);
    if (stored.state === "unreadable") return;
    const { owner, atMs } = stored.record;
    this.#quickestMs.set(owner, Math.min(stored.storedAtMs - atMs, this.#quickestMs.get(owner) ?? Number.MAX_VALUE));
  }

  /** Largest step back between the times of successive revisions, in milliseconds. */
  get largestStepBackMs(): number {
    return this.#largestStepBackMs;
  }

  /** Returns the owners whose clocks differ by more than `thanMs`, largest difference first. */
  largestOffsets(thanMs: number): readonly OwnerClock[] {
    return [...this.#quickestMs]
      .map(([owner, offsetMs]) => ({ owner, offsetMs }))
      .filter(({ offsetMs }) => Math.abs(offsetMs) > thanMs)
      .sort((one, other) => Math.abs(other.offsetMs) - Math.abs(one.offsetMs))
      .slice(0, NAMED);
  }
}
