import { BoxedMap } from "../internal/boxed-map.ts";
import { Deferred } from "../internal/deferred.ts";
import type { StoreKey } from "../model/identity.ts";
import type { Attempt } from "./attempt.ts";

/**
 * The attempts in flight. At most one is current for each key. An attempt whose lease ended is no longer current, but its
 * handler may still run.
 */
export class Attempts {
  readonly #current = new BoxedMap<StoreKey, Attempt>();
  readonly #superseded = new Set<Attempt>();
  #empty: Deferred<void> | undefined;

  get isEmpty(): boolean {
    return this.#current.size === 0 && this.#superseded.size === 0;
  }

  current(key: StoreKey): Attempt | undefined {
    return this.#current.get(key);
  }

  all(): readonly Attempt[] {
    return [...this.#current.values(), ...this.#superseded];
  }

  /** Makes the attempt the current one of its key, which must have none. */
  add(attempt: Attempt): void {
    this.#current.set(attempt.identity.storeKey, attempt);
  }

  /** Moves an attempt that lost its key out of the way of the next one, or removes one that is settled. */
  end(attempt: Attempt, how: "lost" | "settled"): void {
    const isCurrent = this.#isCurrent(attempt);
    if (isCurrent) this.#current.delete(attempt.identity.storeKey);
    if (how === "settled") this.#superseded.delete(attempt);
    else if (isCurrent) this.#superseded.add(attempt);
    if (this.isEmpty) this.#empty?.resolve();
  }

  /** Resolves the next time that no attempt is in flight. */
  whenEmpty(): Promise<void> {
    this.#empty ??= new Deferred<void>();
    return this.#empty.promise;
  }

  #isCurrent(attempt: Attempt): boolean {
    return this.#current.get(attempt.identity.storeKey) === attempt;
  }
}
