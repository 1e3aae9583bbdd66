import type { Clock } from "../../internal/clock.ts";
import type { Store } from "../../model/store.ts";
import { memoryStore } from "../../stores/memory-store.ts";
import { SimulatedClock } from "./simulated-clock.ts";

/** A store and the clock that it goes by, which stands still until it is moved on. */
export interface SimulatedStore {
  readonly store: Required<Omit<Store, "maxWindowMs">>;
  /** To be given to the `Deduplicator`, too. */
  readonly clock: Clock;
  /** Milliseconds that have passed. */
  readonly monotonicMs: () => number;
  /** Lets time pass, running what falls due, each at its own time. */
  readonly pass: (ms: number) => Promise<void>;
}

/**
 * A store for tests, in memory and on simulated time: leases end and windows close without waiting. Like a bucket of NATS, it
 * does not say what stood in the way of a write that was refused.
 */
export function simulatedStore(): SimulatedStore {
  const clock = new SimulatedClock();
  return {
    store: silent(memoryStore({ clock })),
    clock,
    monotonicMs: () => clock.monotonicMs(),
    pass: (ms) => clock.advanceAsync(ms),
  };
}

/** The same store, but it does not say what stood in the way of a write: whoever wants to know has to read. */
export function silent(store: SimulatedStore["store"]): SimulatedStore["store"] {
  return {
    ...store,
    put: async (key, record, how) => withoutCurrent(await store.put(key, record, how)),
    remove: async (key, how) => withoutCurrent(await store.remove(key, how)),
  };
}

function withoutCurrent<Answer extends { readonly ok: boolean }>(answer: Answer): Answer | { readonly ok: false } {
  return answer.ok ? answer : { ok: false };
}
