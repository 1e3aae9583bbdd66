import { LruMap } from "../internal/lru-map.ts";
import type { StoreKey } from "../model/identity.ts";
import { type Fence, fenceOf } from "../model/record.ts";
import type { Entry } from "../model/store.ts";
import { FRESH_MS } from "./commit-cache.ts";

const MAX_KEYS = 10_000;
const SHORTEST_RETRY_MS = 1_000;
/** A reservation observed for this long is not the first try of a dispatch that fails at once. */
const STEADY_MS = 1_000;
/** A holder renews every third of its lease. After two thirds, at least one renewal is missing. */
const SILENT_PART = 2 / 3;
/** Stores remove an expired key a little later: NATS by up to 250 ms. */
const STORE_SLACK_MS = 500;

/**
 * Time for which each reservation of another replica has been unchanged, by this replica's clock.
 *
 * The holder counts its lease from before it sent the write. This replica counts from after it read the record:
 *
 *     holder        send ──────── lease ────────▶ stops
 *     this replica         read ──────── lease + skew ────────▶ ended
 *
 * So a reservation has ended if its revision was unchanged here for its lease and the skew. Neither wall clocks nor the store's own
 * expiry matter. A compare-and-set on that revision may replace it.
 */
export class ObservedLeases {
  readonly #skewMs: number;
  readonly #observations = new LruMap<StoreKey, Observation>(MAX_KEYS);

  constructor(skewMs: number) {
    this.#skewMs = skewMs;
  }

  /** Records a read. Returns how long the lease can last without renewal, in milliseconds; 0 or less if it has ended. */
  observe(entry: Entry, nowMs: number): number {
    this.#observations.set(entry.key, { entry, sinceMs: this.#sinceMs(entry, nowMs), readAtMs: nowMs });
    return this.#leftMs(entry, nowMs);
  }

  /**
   * Returns a reservation that need not be read again: it was read a moment ago, is steady, and its lease has not ended.
   * @param attempt of the asking delivery. A later one than the holder's may be the holder's own event, redelivered after it failed.
   */
  liveReservation(key: StoreKey, attempt: number, nowMs: number): Entry | undefined {
    const observation = this.#observations.get(key);
    if (observation === undefined || nowMs >= observation.readAtMs + FRESH_MS) return undefined;
    const { entry, sinceMs, readAtMs } = observation;
    const isSteady = readAtMs - sinceMs >= STEADY_MS && attempt <= entry.record.attempt;
    return isSteady && this.#leftMs(entry, nowMs) > this.#skewMs ? entry : undefined;
  }

  /**
   * Returns the fence of a reservation whose holder had missed a renewal when it was last read, and whose lease has ended since. Such a
   * holder may have released its key at the last moment: for people, never for a decision.
   */
  lapsedFence(key: StoreKey, nowMs: number, wallMs: number): Fence | undefined {
    const observation = this.#observations.peek(key);
    if (observation === undefined) return undefined;
    const { entry, sinceMs, readAtMs } = observation;
    const { record, revision } = entry;
    const ageMs = Math.max(nowMs - sinceMs, wallMs - record.atMs);
    const wasSilent = ageMs - (nowMs - readAtMs) > record.leaseMs * SILENT_PART;
    return wasSilent && ageMs >= record.leaseMs ? fenceOf(record, revision) : undefined;
  }

  /** Removes a reservation that no longer exists. */
  forget(key: StoreKey): void {
    this.#observations.delete(key);
  }

  /**
   * Returns when to ask again, in milliseconds. The record's own time improves the hint where clocks agree. Where they do not, the
   * hint stays between one second and what was observed.
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
    const observation = this.#observations.get(key);
    return observation?.entry.revision === revision ? observation.sinceMs : nowMs;
  }
}

interface Observation {
  readonly entry: Entry;
  /** Time of the first read of this revision. */
  readonly sinceMs: number;
  readonly readAtMs: number;
}
