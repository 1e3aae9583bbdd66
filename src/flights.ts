import type { Flight } from "./flight.ts";
import type { StoreKey } from "./key.ts";
import { PassingMap } from "./passing-map.ts";

/** The flights that are under way: at most one stands for each key; one whose lease has ended no longer does, but may still run. */
export class Flights {
  readonly #standing = new PassingMap<StoreKey, Flight>();
  readonly #yielded = new Set<Flight>();

  get isEmpty(): boolean {
    return this.#standing.size === 0 && this.#yielded.size === 0;
  }

  /** The flight that stands for the key. */
  of(key: StoreKey): Flight | undefined {
    return this.#standing.get(key);
  }

  has(flight: Flight): boolean {
    return this.#stands(flight) || this.#yielded.has(flight);
  }

  all(): readonly Flight[] {
    return [...this.#standing.values(), ...this.#yielded];
  }

  /** It stands for its key, for which none does. */
  add(flight: Flight): void {
    this.#standing.set(flight.identity.storeKey, flight);
  }

  /** It no longer stands for its key. */
  yieldKey(flight: Flight): void {
    if (!this.#stands(flight)) return;
    this.#standing.delete(flight.identity.storeKey);
    this.#yielded.add(flight);
  }

  /** It is over. */
  delete(flight: Flight): void {
    if (this.#stands(flight)) this.#standing.delete(flight.identity.storeKey);
    else this.#yielded.delete(flight);
  }

  #stands(flight: Flight): boolean {
    return this.#standing.get(flight.identity.storeKey) === flight;
  }
}
