import { hasCode } from "../../errors.ts";
import { type Clock, delay, sleep } from "../../internal/clock.ts";
import { DEFAULT_LIMITS, type TraceRecorder } from "../trace/recorder.ts";
import { StoreReader } from "../trace/store-reader.ts";
import { errorText, type TraceEvent } from "../trace/trace-event.ts";
import type { WatchedStore } from "./options.ts";

export interface StoreWatchOptions {
  readonly store: WatchedStore;
  readonly recorder: TraceRecorder;
  readonly clock: Clock;
  /** Whether the replica tells its own steps. */
  readonly tellsItself: (replica: string) => boolean;
  readonly signal: AbortSignal;
}

const KEYS_REMEMBERED = DEFAULT_LIMITS.flights;
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 10_000;
/** Nobody says when a watch has begun; so long after it was asked for it has, or will not. */
const HEAD_START_MS = 500;

/** Records what becomes of a store's keys: first what stands, then what changes, again and again where the store is lost. */
export class StoreWatch {
  readonly #options: StoreWatchOptions;
  readonly #reader = new StoreReader(KEYS_REMEMBERED);
  #trouble = "";

  constructor(options: StoreWatchOptions) {
    this.#options = options;
  }

  /** Why the store cannot be watched at the moment; empty when it can. */
  get trouble(): string {
    return this.#trouble;
  }

  /** The key is about to be removed by somebody who tells of it. */
  forget(storeKey: string): void {
    this.#reader.forget(storeKey);
  }

  /** Watches until the signal aborts. */
  async run(): Promise<void> {
    const { clock, signal } = this.#options;
    let pauseMs = FIRST_PAUSE_MS;
    while (!signal.aborted) {
      const sinceMs = clock.monotonicMs();
      try {
        await this.#watch();
      } catch (error) {
        this.#trouble = errorText(error);
      }
      const wasLong = clock.monotonicMs() - sinceMs > LONGEST_PAUSE_MS;
      pauseMs = wasLong ? FIRST_PAUSE_MS : Math.min(2 * pauseMs, LONGEST_PAUSE_MS);
      await delay(clock, pauseMs, [signal]);
    }
  }

  /** Asks for changes before it lists, so that nothing falls between; what comes twice is known by its revision. */
  async #watch(): Promise<void> {
    const { store, clock, signal } = this.#options;
    const attempt = new AbortController();
    const changes = store.watch({}, AbortSignal.any([signal, attempt.signal]))[Symbol.asyncIterator]();
    try {
      const first = changes.next();
      // Whoever waits for it hears of it; until then it is no accident of the process.
      first.catch(() => {});
      await Promise.race([first, sleep(clock, HEAD_START_MS, signal)]);
      this.#trouble = await this.#list();
      for (let result = await first; result.done !== true; result = await changes.next()) {
        this.#take(this.#reader.read(result.value, clock.wallMs()));
      }
    } finally {
      attempt.abort();
      await changes.return?.();
    }
  }

  /** @returns what stands there that cannot be read; all the rest has been. */
  async #list(): Promise<string> {
    const { store, clock, recorder, signal } = this.#options;
    const missing = this.#reader.reserved();
    try {
      for await (const entry of store.list({})) {
        if (signal.aborted) return "";
        missing.delete(entry.key);
        this.#take(this.#reader.readListed(entry, clock.wallMs()));
      }
    } catch (error) {
      if (hasCode(error, "record-unreadable")) return errorText(error);
      throw error;
    }
    for (const key of missing) {
      const step = this.#reader.readMissing(key, clock.wallMs());
      // One that lapsed has ended before, and that was told.
      if (recorder.flights.get(key) !== undefined) this.#take(step);
    }
    return "";
  }

  #take(step: TraceEvent | undefined): void {
    const { recorder, tellsItself } = this.#options;
    const isTold = step !== undefined && step.type !== "cleared" && tellsItself(step.replica);
    if (step !== undefined && !isTold) recorder.record(step);
  }
}
