import { LruMap } from "../internal/lru-map.ts";
import type { StoreKey } from "../model/identity.ts";
import type { ResolvedReserveOptions } from "./engine-options.ts";

const MAX_KEYS = 1_000;

/** A dispatch that this process finished, and whose commit may not be stored. */
export interface FinishedDispatch {
  /** Options of the call that dispatched. */
  readonly how: ResolvedReserveOptions;
  /** Return value of the handler, if it is to be kept. */
  readonly value: unknown;
  /** True if the handler failed for good. */
  readonly hasFailed: boolean;
  /** Epoch of clears while the key was known to be held. */
  readonly epoch: number | undefined;
  /** End of the window, by the monotonic clock. */
  readonly untilMs: number;
}

/** The dispatches whose commit ended as `unconfirmed`: at the next delivery, their keys are committed instead of dispatched again. */
export class FinishedDispatches {
  readonly #finished = new LruMap<StoreKey, FinishedDispatch>(MAX_KEYS);

  find(key: StoreKey, nowMs: number): FinishedDispatch | undefined {
    if (this.#finished.size === 0) return undefined;
    const finished = this.#finished.get(key);
    return finished !== undefined && nowMs < finished.untilMs ? finished : undefined;
  }

  remember(key: StoreKey, finished: FinishedDispatch): void {
    this.#finished.set(key, finished);
  }

  forget(key: StoreKey): void {
    if (this.#finished.size > 0) this.#finished.delete(key);
  }
}
