import { BoxedMap } from "../internal/boxed-map.ts";
import type { StoreKey } from "../model/identity.ts";
import type { Attempt } from "./attempt.ts";

/** The flights that are under way: at most one stands for each key; one whose lease has ended no longer does, but may still run. */
export class Attempts {
  readonly #standing = new BoxedMap<StoreKey, Attempt>();
  readonly #yielded = new Set<Attempt>();

  get isEmpty(): boolean {
    return this.#standing.size === 0 && this.#yielded.size === 0;
  }

  /** The flight that stands for the key. */
  of(key: StoreKey): Attempt | undefined {
    return this.#standing.get(key);
  }

  has(flight: Attempt): boolean {
    return this.#stands(flight) || this.#yielded.has(flight);
  }

  all(): readonly Attempt[] {
    return [...this.#standing.values(), ...this.#yielded];
  }

  /** It stands for its key, for which none does. */
  add(flight: Attempt): void {
    this.#standing.set(flight.identity.storeKey, flight);
  }

  /** It no longer stands for its key. */
  yieldKey(flight: Attempt): void {
    if (!this.#stands(flight)) return;
    this.#standing.delete(flight.identity.storeKey);
    this.#yielded.add(flight);
  }

  /** It is over. */
  delete(flight: Attempt): void {
    if (this.#stands(flight)) this.#standing.delete(flight.identity.storeKey);
    else this.#yielded.delete(flight);
  }

  #stands(flight: Attempt): boolean {
    return this.#standing.get(flight.identity.storeKey) === flight;
  }
}
