import type { Clock } from "../../internal/clock.ts";
import type { Store } from "../../model/store.ts";
import { memoryStore } from "../../stores/memory-store.ts";
import { SimulatedClock } from "./simulated-clock.ts";

/** A store, and the simulated clock that it uses. */
export interface SimulatedStore {
  /** The store. */
  readonly store: Required<Omit<Store, "maxWindowMs" | "failure" | "failures">>;
  /** Pass this clock to the `Deduplicator`, too. */
  readonly clock: Clock;
  /** Returns the milliseconds that have passed. */
  readonly monotonicMs: () => number;
  /** Moves time forward, and runs each timer at its own time. */
  readonly pass: (ms: number) => Promise<void>;
}

/**
 * Returns an in-memory store on simulated time, for tests in which leases and windows end without waiting. Like a NATS bucket, it
 * does not return the current entry with a conflict.
 */
export function simulatedStore(): SimulatedStore {
  const clock = new SimulatedClock();
  return {
    store: withoutConflictDetails(memoryStore({ clock })),
    clock,
    monotonicMs: () => clock.monotonicMs(),
    pass: (ms) => clock.advanceAsync(ms),
  };
}

/** Returns the store without the current entry in its conflicts, so that clients have to read it. */
export function withoutConflictDetails(store: SimulatedStore["store"]): SimulatedStore["store"] {
  return {
    ...store,
    put: async (key, record, how) => withoutCurrent(await store.put(key, record, how)),
    remove: async (key, how) => withoutCurrent(await store.remove(key, how)),
  };
}

function withoutCurrent<Result extends { readonly ok: boolean }>(result: Result): Result | { readonly ok: false } {
  return result.ok ? result : { ok: false };
}
