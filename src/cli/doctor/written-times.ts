import type { StoredKey } from "../bucket/stored-key.ts";

export interface OwnerClock {
  readonly owner: string;
  /** What would have to be added to its clock to read the server's; for one that is behind, with the time a write takes. */
  readonly offsetMs: number;
}

const NAMED = 3;

/**
 * What records tell of clocks. A record says when its owner wrote it, by the owner's clock, and the server when it stored it, by
 * its own; the quickest of an owner's writes tells best how far the two are apart. And what is stored later should not be older.
 */
export class WrittenTimes {
  readonly #quickestMs = new Map<string, number>();
  #latestMs = 0;
  #largestStepBackMs = 0;

  /** What is noted from now on is stored in another bucket. */
  beginBucket(): void {
    this.#latestMs = 0;
  }

  /** Takes the keys of a bucket in the order of their revisions. */
  note(kept: StoredKey): void {
    this.#largestStepBackMs = Math.max(this.#largestStepBackMs, this.#latestMs - kept.storedAtMs);
    this.#latestMs = Math.max(this.#latestMs, kept.storedAtMs);
    if (kept.state === "unreadable") return;
    const { owner, atMs } = kept.record;
    this.#quickestMs.set(owner, Math.min(kept.storedAtMs - atMs, this.#quickestMs.get(owner) ?? Number.MAX_VALUE));
  }

  /** How far a time is behind one that was stored before it, at most. */
  get largestStepBackMs(): number {
    return this.#largestStepBackMs;
  }

  /** The owners whose clocks differ by more than that, the farthest first. */
  strangest(thanMs: number): readonly OwnerClock[] {
    return [...this.#quickestMs]
      .map(([owner, offsetMs]) => ({ owner, offsetMs }))
      .filter(({ offsetMs }) => Math.abs(offsetMs) > thanMs)
      .sort((one, other) => Math.abs(other.offsetMs) - Math.abs(one.offsetMs))
      .slice(0, NAMED);
  }
}
