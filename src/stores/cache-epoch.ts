import { type Clock, delay } from "../internal/clock.ts";
import type { CacheInvalidation } from "../model/store.ts";

/** Time for which a read epoch is trusted, counted from before the read, in milliseconds. */
const TRUSTED_MS = 2_000;
/** Age after which the next caller starts a new read in the background, in milliseconds. */
const REFRESHED_MS = TRUSTED_MS / 2;

/** Register in the store that holds the epoch. */
export interface EpochRegister {
  /** Returns the epoch: a number that differs after every change; 0 before the first. */
  read(): Promise<number>;
  /** Starts a new epoch and returns it. */
  change(): Promise<number>;
}

/**
 * Cache invalidation through an epoch in a remote store. Each replica reads the epoch and trusts it for a limited time.
 * `invalidate` changes the epoch and waits for that time: afterwards no replica trusts the old epoch.
 *
 *     replica    reads ── old ──── trusts it ────────▶ no longer
 *     operator        changes ── waits as long ─────────────▶ done
 *
 * There is no timer, and nothing is read while no replica asks. If the store is unreachable, the trust ends.
 */
export class CacheEpoch implements CacheInvalidation {
  readonly #clock: Clock;
  readonly #register: EpochRegister;
  #epoch: number | undefined;
  #epochReadAtMs = Number.NEGATIVE_INFINITY;
  #lastReadAtMs = Number.NEGATIVE_INFINITY;

  constructor(clock: Clock, register: EpochRegister) {
    this.#clock = clock;
    this.#register = register;
  }

  epoch(): number | undefined {
    const nowMs = this.#clock.monotonicMs();
    if (nowMs - this.#lastReadAtMs >= REFRESHED_MS) void this.#refresh(nowMs);
    return nowMs - this.#epochReadAtMs < TRUSTED_MS ? this.#epoch : undefined;
  }

  async invalidate(): Promise<void> {
    const readAtMs = this.#clock.monotonicMs();
    this.#learn(await this.#register.change(), readAtMs);
    await delay(this.#clock, TRUSTED_MS, []);
  }

  async #refresh(nowMs: number): Promise<void> {
    this.#lastReadAtMs = nowMs;
    try {
      this.#learn(await this.#register.read(), nowMs);
    } catch {
      // The old epoch stops being trusted when its time is over.
    }
  }

  /** Ignores a read that a later one overtook. */
  #learn(epoch: number, readAtMs: number): void {
    if (readAtMs < this.#epochReadAtMs) return;
    this.#epoch = epoch;
    this.#epochReadAtMs = readAtMs;
  }
}
