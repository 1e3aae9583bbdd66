import type { CacheInvalidation } from "../model/store.ts";

/** The store's epoch of clears, which shows whether any replica cleared keys since an earlier moment. */
export class ClearEpoch {
  readonly #invalidation: CacheInvalidation | undefined;
  #last: number | undefined;

  /** @param invalidation `undefined` for a store whose clears cannot be noticed. */
  constructor(invalidation: CacheInvalidation | undefined) {
    this.#invalidation = invalidation;
  }

  /**
   * Returns the epoch if it is certainly current.
   * @throws the store's own errors, and {@link TypeError} for an answer outside its contract.
   */
  current(): number | undefined {
    const current = this.#invalidation?.epoch();
    if (current !== undefined) this.#last = current;
    return current;
  }

  /** Returns the last known epoch, which may be out of date. */
  last(): number | undefined {
    this.#currentOrUnknown();
    return this.#last;
  }

  /** Returns whether keys were cleared after `epoch` was {@link last} known. A clear that has not resolved may go unnoticed. */
  since(epoch: number | undefined): "unchanged" | "cleared" | "unknown" {
    if (this.#invalidation === undefined || epoch === undefined) return "unchanged";
    const current = this.#currentOrUnknown();
    if (current === undefined) return "unknown";
    return current === epoch ? "unchanged" : "cleared";
  }

  #currentOrUnknown(): number | undefined {
    try {
      return this.current();
    } catch {
      return undefined;
    }
  }
}
