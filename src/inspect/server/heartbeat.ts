import type { Clock } from "../../internal/clock.ts";
import { Deferred } from "../../internal/deferred.ts";

/** Wakes all waiting streams together. There is no timer while nothing waits. */
export class Heartbeat {
  readonly #clock: Clock;
  readonly #everyMs: number;
  #beat: Deferred<void> | undefined;

  constructor(clock: Clock, everyMs: number) {
    this.#clock = clock;
    this.#everyMs = everyMs;
  }

  /** Resolves at the next beat. */
  next(): Promise<void> {
    if (this.#beat === undefined) {
      const beat = new Deferred<void>();
      this.#beat = beat;
      this.#clock.schedule(this.#everyMs, () => {
        this.#beat = undefined;
        beat.resolve();
      });
    }
    return this.#beat.promise;
  }
}
