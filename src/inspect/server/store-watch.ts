import { hasCode } from "../../errors.ts";
import { onAbort } from "../../internal/abort.ts";
import { backoffMs } from "../../internal/backoff.ts";
import { type Clock, delay, sleep } from "../../internal/clock.ts";
import { StoreReader } from "../trace/store-reader.ts";
import type { TraceEvent } from "../trace/trace-event.ts";
import { DEFAULT_LIMITS, type TraceRecorder } from "../trace/trace-recorder.ts";
import type { WatchedStore } from "./key-admin.ts";
import { outageText } from "./store-monitor.ts";

export interface StoreWatchOptions {
  readonly store: WatchedStore;
  readonly recorder: TraceRecorder;
  readonly clock: Clock;
  /** Returns true if the replica's deduplicator reports its own events. */
  readonly isAttached: (replica: string) => boolean;
  /** Called with the error that broke the watch, and with `undefined` once the watch works. */
  readonly onWatch: (failure: string | undefined) => void;
  readonly signal: AbortSignal;
}

const RETRY = { firstMs: 1_000, longestMs: 10_000 };
/** A store does not report when its watch has begun. The listing starts after this time. */
const HEAD_START_MS = 500;

/** Records the changes of a store's keys: first a listing, then a watch, both repeated whenever the watch breaks. */
export class StoreWatch {
  readonly #options: StoreWatchOptions;
  readonly #reader = new StoreReader(DEFAULT_LIMITS.attempts);
  #current = new AbortController();
  #isCurrent = false;
  #isRestarting = false;

  constructor(options: StoreWatchOptions) {
    this.#options = options;
  }

  /** True if the recording reflects the store: a listing is complete, and the watch after it has not broken. */
  get isCurrent(): boolean {
    return this.#isCurrent;
  }

  /** Forgets a key that the inspector removes itself, and reports itself. */
  forget(storeKey: string): void {
    this.#reader.forget(storeKey);
  }

  /** Lists and watches again, since changes may have been missed. */
  restart(): void {
    this.#isCurrent = false;
    this.#isRestarting = true;
    this.#current.abort();
  }

  /** Watches until the signal aborts. */
  async run(): Promise<void> {
    const { clock, signal, onWatch } = this.#options;
    let retries = 0;
    while (!signal.aborted) {
      const sinceMs = clock.monotonicMs();
      try {
        await this.#watch();
      } catch (error) {
        if (hasCode(error, "record-unreadable")) this.#reportUnreadable(error);
        else if (!this.#isRestarting) onWatch(outageText(error));
      }
      this.#isCurrent = false;
      const wasLong = clock.monotonicMs() - sinceMs > RETRY.longestMs;
      retries = wasLong ? 1 : retries + 1;
      await delay(clock, backoffMs(retries, RETRY), [signal]);
    }
  }

  /** Starts the watch before the listing, so that no change is missed. The reader ignores what it sees twice. */
  async #watch(): Promise<void> {
    const { store, clock, signal } = this.#options;
    const current = new AbortController();
    this.#current = current;
    this.#isRestarting = false;
    const leave = onAbort(signal, () => current.abort());
    const changes = store.watch({}, current.signal)[Symbol.asyncIterator]();
    try {
      const first = changes.next();
      // A rejection is handled when `first` is awaited below, which may be later.
      first.catch(() => {});
      await Promise.race([first, sleep(clock, HEAD_START_MS, current.signal)]);
      await this.#list(current.signal);
      this.#isCurrent = !current.signal.aborted;
      if (this.#isCurrent) this.#options.onWatch(undefined);
      for (let result = await first; result.done !== true; result = await changes.next()) {
        for (const event of this.#reader.read(result.value, clock.wallMs())) this.#take(event);
      }
    } finally {
      leave();
      current.abort();
      await changes.return?.();
    }
  }

  /** Records all keys. The store reports a record that cannot be read after all others. */
  async #list(signal: AbortSignal): Promise<void> {
    const { store, clock, recorder } = this.#options;
    const missing = this.#reader.reservedKeys();
    try {
      for await (const entry of store.list({})) {
        if (signal.aborted) return;
        missing.delete(entry.key);
        this.#take(this.#reader.readListed(entry, clock.wallMs()));
      }
      recorder.notices.resolveUnreadable();
    } catch (error) {
      if (!hasCode(error, "record-unreadable")) throw error;
      this.#reportUnreadable(error);
    }
    for (const key of missing) {
      const event = this.#reader.readMissing(key, clock.wallMs());
      // A lapsed reservation was already reported.
      if (recorder.attempts.get(key) !== undefined) this.#take(event);
    }
  }

  #reportUnreadable({ message }: Error): void {
    const { recorder, clock } = this.#options;
    recorder.notices.reportUnreadable(message, clock.wallMs());
  }

  #take(event: TraceEvent | undefined): void {
    if (event === undefined) return;
    const { recorder, isAttached } = this.#options;
    const isReported = event.type !== "cleared" && isAttached(event.replica);
    if (!isReported) recorder.record(event);
  }
}
