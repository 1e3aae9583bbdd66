import { hasCode } from "../../errors.ts";
import { type Clock, delay } from "../../internal/clock.ts";
import { errorText } from "../trace/trace-event.ts";
import type { StoreHealth } from "./wire.ts";

export interface StoreMonitorOptions {
  /** Reads any key. It rejects, or never settles, while the store is unavailable. */
  readonly probe: () => Promise<unknown>;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Called when the store answers probes again. */
  readonly onRecovery: () => void;
}

/** Returns the reason of an outage. The name of the store's own error would repeat that the store is unavailable. */
export function outageText(error: unknown): string {
  return errorText(hasCode(error, "store-unavailable") ? error.message : error);
}

/** Together with the feed's heartbeat, an outage is shown within 3 s. */
const PROBE_INTERVAL_MS = 750;
const PROBE_TIMEOUT_MS = 1_250;

/** Probes a store and reports whether it answers. A client library may hide an outage from a watch for minutes. */
export class StoreMonitor {
  readonly #options: StoreMonitorOptions;
  #health: StoreHealth = { state: "available" };
  #probeFailure: string | undefined;
  #watchFailure: string | undefined;

  constructor(options: StoreMonitorOptions) {
    this.#options = options;
  }

  get health(): StoreHealth {
    return this.#health;
  }

  /** Probes until the signal aborts. */
  async run(): Promise<void> {
    const { clock, signal } = this.#options;
    const isOver = (): boolean => signal.aborted;
    while (!isOver()) {
      const sinceMs = clock.wallMs();
      const failure = await this.#probe();
      if (isOver()) return;
      const hasRecovered = this.#probeFailure !== undefined && failure === undefined;
      this.#probeFailure = failure;
      this.#update(sinceMs);
      if (hasRecovered) this.#options.onRecovery();
      await delay(clock, PROBE_INTERVAL_MS, [signal]);
    }
  }

  /** Reports the error that broke the watch, or `undefined` once the watch works. */
  setWatchFailure(failure: string | undefined): void {
    this.#watchFailure = failure;
    this.#update(this.#options.clock.wallMs());
  }

  #update(sinceMs: number): void {
    const failure = this.#probeFailure ?? this.#watchFailure;
    const health = this.#health;
    if (failure !== undefined) {
      const isNew = health.state === "available" || health.reason !== failure;
      const beganMs = health.state === "available" ? sinceMs : health.sinceMs;
      if (isNew) this.#health = { state: "unavailable", sinceMs: beganMs, reason: failure };
    } else if (health.state === "unavailable") {
      this.#health = {
        state: "available",
        outage: { fromMs: health.sinceMs, toMs: this.#options.clock.wallMs() },
      };
    }
  }

  /** Returns why the probe failed, or `undefined`. A record that cannot be read proves that the store answers. */
  async #probe(): Promise<string | undefined> {
    const { clock, signal, probe } = this.#options;
    const answered = new AbortController();
    let failure: string | undefined = `no answer within ${PROBE_TIMEOUT_MS / 1_000} s`;
    const answer = Promise.resolve()
      .then(probe)
      .then(
        () => {
          failure = undefined;
        },
        (error: unknown) => {
          failure = hasCode(error, "record-unreadable") ? undefined : outageText(error);
        },
      );
    void answer.then(() => answered.abort());
    await delay(clock, PROBE_TIMEOUT_MS, [signal, answered.signal]);
    return failure;
  }
}
