import { hasCode } from "../../errors.ts";
import { backoffMs } from "../../internal/backoff.ts";
import { type Clock, delay, sleep } from "../../internal/clock.ts";
import { StoreReader } from "../trace/store-reader.ts";
import { errorText, type TraceEvent } from "../trace/trace-event.ts";
import { DEFAULT_LIMITS, type TraceRecorder } from "../trace/trace-recorder.ts";
import type { WatchedStore } from "./options.ts";

export interface StoreWatchOptions {
  readonly store: WatchedStore;
  readonly recorder: TraceRecorder;
  readonly clock: Clock;
  /** Returns true if the replica's deduplicator reports its own events. */
  readonly isAttached: (replica: string) => boolean;
  readonly signal: AbortSignal;
}

const RETRY = { firstMs: 1_000, longestMs: 10_000 };
/** A store does not report when its watch has begun. The listing starts after this time. */
const HEAD_START_MS = 500;

/** Records the changes of a store's keys: first a listing, then a watch, both repeated whenever the watch breaks. */
export class StoreWatch {
  readonly #options: StoreWatchOptions;
  readonly #reader = new StoreReader(DEFAULT_LIMITS.attempts);
  #trouble = "";

  constructor(options: StoreWatchOptions) {
    this.#options = options;
  }

  /** Why the store cannot be watched, or an empty text. */
  get trouble(): string {
    return this.#trouble;
  }

  /** Forgets a key that the inspector removes itself, and reports itself. */
  forget(storeKey: string): void {
    this.#reader.forget(storeKey);
  }

  /** Watches until the signal aborts. */
  async run(): Promise<void> {
    const { clock, signal } = this.#options;
    let retries = 0;
    while (!signal.aborted) {
      const sinceMs = clock.monotonicMs();
      try {
        await this.#watch();
      } catch (error) {
        this.#trouble = errorText(error);
      }
      const wasLong = clock.monotonicMs() - sinceMs > RETRY.longestMs;
      retries = wasLong ? 1 : retries + 1;
      await delay(clock, backoffMs(retries, RETRY), [signal]);
    }
  }

  /** Starts the watch before the listing, so that no change is missed. The reader ignores what it sees twice. */
  async #watch(): Promise<void> {
    const { store, clock, signal } = this.#options;
    const attempt = new AbortController();
    const changes = store.watch({}, AbortSignal.any([signal, attempt.signal]))[Symbol.asyncIterator]();
    try {
      const first = changes.next();
      // A rejection is handled when `first` is awaited below, which may be later.
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

  /** Records all keys. Returns the error of a record that cannot be read; all other records are still recorded. */
  async #list(): Promise<string> {
    const { store, clock, recorder, signal } = this.#options;
    const missing = this.#reader.reservedKeys();
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
      const event = this.#reader.readMissing(key, clock.wallMs());
      // A lapsed reservation was already reported.
      if (recorder.attempts.get(key) !== undefined) this.#take(event);
    }
    return "";
  }

  #take(event: TraceEvent | undefined): void {
    if (event === undefined) return;
    const { recorder, isAttached } = this.#options;
    const isReported = event.type !== "cleared" && isAttached(event.replica);
    if (!isReported) recorder.record(event);
  }
}
