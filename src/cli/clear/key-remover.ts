import type { RemovingStore } from "../stored-keys/removing-store.ts";
import type { Candidate } from "./clear-plan.ts";

/** Number of concurrent removals. */
const AT_ONCE = 64;

export interface Removed {
  readonly cleared: number;
  /** Keys that were written or removed since they were counted. They stay unchanged. */
  readonly changed: number;
}

/** Removes keys at their known revisions, then invalidates the caches of all replicas. */
export class KeyRemover {
  readonly #stores: ReadonlyMap<string, RemovingStore>;
  #cleared = 0;
  #changed = 0;

  /** @param stores stores by bucket name. */
  constructor(stores: ReadonlyMap<string, RemovingStore>) {
    this.#stores = stores;
  }

  get removed(): Removed {
    return { cleared: this.#cleared, changed: this.#changed };
  }

  /**
   * Starts no more removals once the signal aborts or one fails. Always awaits the running ones and invalidates the caches.
   * @throws {StoreUnavailableError}
   */
  async remove(candidates: readonly Candidate[], signal: AbortSignal): Promise<void> {
    const rest = candidates[Symbol.iterator]();
    const failures: unknown[] = [];
    const work = async (): Promise<void> => {
      for (const { bucket, key, revision } of rest) {
        const removal = await this.#stores.get(bucket)?.remove(key, { expected: revision });
        if (removal?.ok === true) this.#cleared += 1;
        else this.#changed += 1;
        if (signal.aborted || failures.length > 0) return;
      }
    };
    const noteFailure = (error: unknown): void => void failures.push(error);
    await Promise.all(Array.from({ length: AT_ONCE }, () => work().catch(noteFailure)));
    const announce = async ({ invalidation }: RemovingStore): Promise<void> => invalidation?.invalidate();
    await Promise.all(Array.from(this.#stores.values(), (store) => announce(store).catch(noteFailure)));
    if (failures.length > 0) throw failures[0];
  }
}
