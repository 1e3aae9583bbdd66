import { type Clock, delay } from "../internal/clock.ts";
import type { CacheInvalidation } from "../model/store.ts";

/** For how long an answer about the mark is relied on, from when it was asked for. */
const TRUSTED_MS = 2_000;
/** It is asked for again, when somebody wants to know, after so long: so it need not be waited for. */
const REFRESHED_MS = TRUSTED_MS / 2;

/** Where the mark stands. */
export interface EpochRegister {
  /** A number that every change makes another; 0 when there never was one. */
  read(): Promise<number>;
  /** Changes the mark; returns the new one. */
  change(): Promise<number>;
}

/**
 * The clears of a store that is somewhere else: a mark in it, which each replica reads now and then. What was read is relied on
 * for a while, and whoever changes the mark waits for as long: so afterwards nobody relies on the old one.
 *
 *     replica    asks ── old ──── relies on it ───────▶ no longer
 *     operator        changes ── waits for as long ─────────────▶ done
 *
 * Nothing is read while nobody asks, and there is no timer. Where the store cannot be reached, the reliance ends by itself.
 */
export class CacheEpoch implements CacheInvalidation {
  readonly #clock: Clock;
  readonly #place: EpochRegister;
  #mark: number | undefined;
  #markAskedAtMs = Number.NEGATIVE_INFINITY;
  #lastAskedAtMs = Number.NEGATIVE_INFINITY;

  constructor(clock: Clock, place: EpochRegister) {
    this.#clock = clock;
    this.#place = place;
  }

  epoch(): number | undefined {
    const nowMs = this.#clock.monotonicMs();
    if (nowMs - this.#lastAskedAtMs >= REFRESHED_MS) void this.#refresh(nowMs);
    return nowMs - this.#markAskedAtMs < TRUSTED_MS ? this.#mark : undefined;
  }

  async invalidate(): Promise<void> {
    const askedAtMs = this.#clock.monotonicMs();
    this.#learn(await this.#place.change(), askedAtMs);
    await delay(this.#clock, TRUSTED_MS, []);
  }

  async #refresh(nowMs: number): Promise<void> {
    this.#lastAskedAtMs = nowMs;
    try {
      this.#learn(await this.#place.read(), nowMs);
    } catch {
      // What was known before grows old, and is relied on no longer.
    }
  }

  /** An answer that was overtaken by a later one says nothing. */
  #learn(mark: number, askedAtMs: number): void {
    if (askedAtMs < this.#markAskedAtMs) return;
    this.#mark = mark;
    this.#markAskedAtMs = askedAtMs;
  }
}
