import { LRUCache } from "lru-cache";
import type { StoreKey } from "./key.ts";
import type { Entry, Revision } from "./store.ts";

const KEYS_REMEMBERED = 10_000;
const SHORTEST_RETRY_MS = 1_000;
/** Stores let go of a key a little after its time: NATS up to 250 ms. */
const STORE_SLACK_MS = 500;

/**
 * Since when each reservation of another replica has stood unchanged, by this replica's own clock.
 *
 * The holder counts its lease from before it sent the write, and we count from after we saw it:
 *
 *     holder   send ──────── lease ────────▶ stops
 *     here            seen ──────── lease + skew ────────▶ ended
 *
 * So a reservation whose revision stood here for its lease and the skew has ended, whatever any wall clock or the store's own
 * expiry say, and may be replaced by a compare-and-set on that very revision.
 */
export class ObservedLeases {
  readonly #skewMs: number;
  /** Bounded by size, each key counting 1: what is bounded by `max` has all of its memory from the beginning. */
  readonly #seen = new LRUCache<StoreKey, { readonly revision: Revision; readonly sinceMs: number }>({
    maxSize: KEYS_REMEMBERED,
    sizeCalculation: () => 1,
  });

  constructor(skewMs: number) {
    this.#skewMs = skewMs;
  }

  /** How long, at most, the reservation can go on without a renewal, in milliseconds; 0 or less when it has ended. */
  leftMs(entry: Entry, nowMs: number): number {
    const seen = this.#seen.get(entry.key);
    const sinceMs = seen?.revision === entry.revision ? seen.sinceMs : nowMs;
    if (seen?.revision !== entry.revision) this.#seen.set(entry.key, { revision: entry.revision, sinceMs: nowMs });
    return sinceMs + entry.record.leaseMs + this.#skewMs - nowMs;
  }

  /**
   * When it is worth asking again. The record's own time makes the hint better where clocks agree; where they do not, it stays
   * between a second and what was observed.
   */
  retryAfterMs(entry: Entry, nowMs: number, wallMs: number): number {
    const observedMs = Math.max(0, this.leftMs(entry, nowMs));
    const hintedMs = entry.record.atMs + entry.record.leaseMs + this.#skewMs - wallMs;
    return Math.ceil(Math.min(observedMs, Math.max(hintedMs, SHORTEST_RETRY_MS)) + STORE_SLACK_MS);
  }
}
