import { LRUCache } from "lru-cache";
import type { StoreKey } from "../model/identity.ts";
import type { Entry } from "../model/store.ts";
import { FRESH_MS } from "./commit-cache.ts";

const KEYS_REMEMBERED = 10_000;
const SHORTEST_RETRY_MS = 1_000;
/** What has stood for so long is not the first try of a dispatch that fails at once. */
const STEADY_MS = 1_000;
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
  readonly #seen = new LRUCache<StoreKey, Sighting>({ maxSize: KEYS_REMEMBERED, sizeCalculation: () => 1 });

  constructor(skewMs: number) {
    this.#skewMs = skewMs;
  }

  /** It was read. How long, at most, it can go on without a renewal, in milliseconds; 0 or less when it has ended. */
  see(entry: Entry, nowMs: number): number {
    this.#seen.set(entry.key, { entry, sinceMs: this.#sinceMs(entry, nowMs), readAtMs: nowMs });
    return this.#leftMs(entry, nowMs);
  }

  /**
   * The reservation that need not be looked at again: it was read a moment ago, had stood for a while, and its lease goes on.
   * `attempt` is which delivery asks; one that is later than the holder's may be the holder's own, come back after it failed.
   */
  liveReservation(key: StoreKey, attempt: number, nowMs: number): Entry | undefined {
    const seen = this.#seen.get(key);
    if (seen === undefined || nowMs >= seen.readAtMs + FRESH_MS) return undefined;
    const { entry, sinceMs, readAtMs } = seen;
    const isSteady = readAtMs - sinceMs >= STEADY_MS && attempt <= entry.record.attempt;
    return isSteady && this.#leftMs(entry, nowMs) > this.#skewMs ? entry : undefined;
  }

  /** It is gone. */
  forget(key: StoreKey): void {
    this.#seen.delete(key);
  }

  /**
   * When it is worth asking again. The record's own time makes the hint better where clocks agree; where they do not, it stays
   * between a second and what was observed.
   */
  retryAfterMs(entry: Entry, nowMs: number, wallMs: number): number {
    const observedMs = Math.max(0, this.#leftMs(entry, nowMs));
    const hintedMs = entry.record.atMs + entry.record.leaseMs + this.#skewMs - wallMs;
    return Math.ceil(Math.min(observedMs, Math.max(hintedMs, SHORTEST_RETRY_MS)) + STORE_SLACK_MS);
  }

  #leftMs(entry: Entry, nowMs: number): number {
    const sinceMs = this.#sinceMs(entry, nowMs);
    return sinceMs + entry.record.leaseMs + this.#skewMs - nowMs;
  }

  #sinceMs({ key, revision }: Entry, nowMs: number): number {
    const seen = this.#seen.get(key);
    return seen?.entry.revision === revision ? seen.sinceMs : nowMs;
  }
}

interface Sighting {
  readonly entry: Entry;
  /** Since when its revision has stood. */
  readonly sinceMs: number;
  readonly readAtMs: number;
}
