import { linkedSignal } from "../../internal/abort.ts";
import { type RemovingStore, removeUnchanged } from "../../stores/remove-unchanged.ts";
import type { Candidate } from "./clear-plan.ts";

/** Counts of the keys that were cleared, and of those that were not. */
export interface ClearCounts {
  readonly cleared: number;
  /** Keys that were written or removed since they were counted. They stay unchanged. */
  readonly changed: number;
}

/** Removes keys at their known revisions from several stores, and counts them. */
export class KeyRemover {
  readonly #stores: ReadonlyMap<string, RemovingStore>;
  #cleared = 0;
  #changed = 0;

  /** @param stores stores by bucket name. */
  constructor(stores: ReadonlyMap<string, RemovingStore>) {
    this.#stores = stores;
  }

  get removed(): ClearCounts {
    return { cleared: this.#cleared, changed: this.#changed };
  }

  /**
   * Starts no more removals once the signal aborts or one fails. Always awaits the running ones and invalidates the caches.
   * @throws {StoreUnavailableError}
   */
  async remove(candidates: readonly Candidate[], signal: AbortSignal): Promise<void> {
    const failed = new AbortController();
    const stop = linkedSignal(signal, failed.signal);
    const how = {
      signal: stop.signal,
      note: (isRemoved: boolean): void => {
        if (isRemoved) this.#cleared += 1;
        else this.#changed += 1;
      },
    };
    const removals = Array.from(this.#stores, async ([bucket, store]) => {
      try {
        await removeUnchanged(
          store,
          candidates.filter((one) => one.bucket === bucket),
          how,
        );
      } catch (error) {
        failed.abort();
        throw error;
      }
    });
    const results = await Promise.allSettled(removals);
    stop.unlink();
    for (const result of results) if (result.status === "rejected") throw result.reason;
  }
}
