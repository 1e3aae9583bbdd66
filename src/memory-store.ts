import { objectWith, wholeNumber } from "./arguments.ts";
import { Channel } from "./channel.ts";
import { type Clock, systemClock } from "./clock.ts";
import { StoreUnavailableError } from "./errors.ts";
import { type KeyFilter, keyMatcher, type StoreKey } from "./key.ts";
import { type DedupRecord, decodeRecord, encodeRecord } from "./record.ts";
import type { Change, Entry, Put, Removal, Revision, Store } from "./store.ts";

/** How a {@link memoryStore} works. */
export interface MemoryStoreOptions {
  /** @default the clock of this process */
  readonly clock?: Clock;
  /** How many keys it holds, at least 1; for one more, `put` throws {@link StoreUnavailableError}. @default 1_000_000 */
  readonly maxKeys?: number;
}

/** Holds its keys in this process: the default for one process, and the reference for every other store. */
export type MemoryStore = Required<Omit<Store, "maxWindowMs">>;

const DEFAULT_MAX_KEYS = 1_000_000;

/**
 * A {@link Store} in the memory of this process.
 * @throws {TypeError | RangeError} that names the option that is wrong.
 */
export function memoryStore(options: MemoryStoreOptions = {}): MemoryStore {
  const { clock = systemClock, maxKeys = DEFAULT_MAX_KEYS } = options;
  objectWith("clock", clock, "monotonicMs");
  wholeNumber("maxKeys", maxKeys, 1);
  const keys = new ExpiringKeys(clock);
  const watchers = new Set<(change: Change) => void>();
  let lastRevision: Revision = 0;

  const entryOf = (key: StoreKey): Entry | undefined => {
    const held = keys.get(key);
    return held && { key, record: decodeRecord(held.encoded, key), revision: held.revision };
  };
  const conflict = (key: StoreKey): { readonly ok: false; readonly current?: Entry } => {
    const current = entryOf(key);
    return current === undefined ? { ok: false } : { ok: false, current };
  };
  const revisionOf = (key: StoreKey): Revision => keys.get(key)?.revision ?? 0;

  return {
    async put(
      key: StoreKey,
      record: DedupRecord,
      how: { readonly expected: Revision; readonly ttlMs: number },
    ): Promise<Put> {
      const found = revisionOf(key);
      if (found !== how.expected) return conflict(key);
      if (found === 0 && keys.size >= maxKeys) {
        throw new StoreUnavailableError(`The memory store is full: it holds ${maxKeys} keys`, { ambiguous: false });
      }
      const encoded = encodeRecord(record);
      lastRevision += 1;
      keys.set(key, { encoded, revision: lastRevision, endsAtMs: clock.monotonicMs() + how.ttlMs });
      for (const tell of watchers) {
        tell({ type: "put", entry: { key, record: decodeRecord(encoded, key), revision: lastRevision } });
      }
      return { ok: true, revision: lastRevision };
    },

    async get(key: StoreKey): Promise<Entry | undefined> {
      return entryOf(key);
    },

    async remove(key: StoreKey, how: { readonly expected: Revision }): Promise<Removal> {
      if (how.expected === 0 || revisionOf(key) !== how.expected) return conflict(key);
      keys.delete(key);
      lastRevision += 1;
      for (const tell of watchers) tell({ type: "removed", key, revision: lastRevision });
      return { ok: true };
    },

    async *list(filter: KeyFilter): AsyncIterable<Entry> {
      const matches = keyMatcher(filter);
      for (const key of keys.keys()) {
        const entry = matches(key) ? entryOf(key) : undefined;
        if (entry !== undefined) yield entry;
      }
    },

    watch(filter: KeyFilter, signal: AbortSignal): AsyncIterable<Change> {
      const matches = keyMatcher(filter);
      const changes = new Channel<Change>();
      const tell = (change: Change): void => {
        if (matches(change.type === "put" ? change.entry.key : change.key)) changes.push(change);
      };
      watchers.add(tell);
      const leave = (): void => {
        watchers.delete(tell);
      };
      if (signal.aborted) leave();
      else signal.addEventListener("abort", leave, { once: true });
      return changes.until(signal, leave);
    },

    async close(): Promise<void> {
      keys.clear();
    },
  };
}

interface Held {
  readonly encoded: string;
  readonly revision: Revision;
  readonly endsAtMs: number;
}

/** The width of a slot: keys that end in the same second are let go together. */
const SLOT_MS = 1_000;

/**
 * Keys that end. There is no timer: a key whose time is up is not seen, and every write lets go of the slots that have passed.
 * A key stands in the slot of each of its writes; in all but the last it is found to live on.
 */
class ExpiringKeys {
  readonly #clock: Clock;
  readonly #held = new Map<StoreKey, Held>();
  readonly #slots = new Map<number, StoreKey[]>();
  #sweptSlot: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#sweptSlot = this.#slotOf(clock.monotonicMs());
  }

  get size(): number {
    this.#sweep();
    return this.#held.size;
  }

  keys(): IterableIterator<StoreKey> {
    return this.#held.keys();
  }

  get(key: StoreKey): Held | undefined {
    const held = this.#held.get(key);
    return held !== undefined && held.endsAtMs > this.#clock.monotonicMs() ? held : undefined;
  }

  set(key: StoreKey, held: Held): void {
    this.#sweep();
    this.#held.set(key, held);
    const slot = this.#slotOf(held.endsAtMs);
    const there = this.#slots.get(slot);
    if (there === undefined) this.#slots.set(slot, [key]);
    else there.push(key);
  }

  delete(key: StoreKey): void {
    this.#held.delete(key);
  }

  clear(): void {
    this.#held.clear();
    this.#slots.clear();
  }

  #slotOf(ms: number): number {
    return Math.floor(ms / SLOT_MS);
  }

  /** Lets go of what ended in the slots before this one. */
  #sweep(): void {
    const nowMs = this.#clock.monotonicMs();
    const passed = this.#slotOf(nowMs) - 1;
    if (passed <= this.#sweptSlot) return;
    for (let slot = this.#sweptSlot; slot <= passed && this.#slots.size > 0; slot += 1) {
      for (const key of this.#slots.get(slot) ?? []) {
        const held = this.#held.get(key);
        if (held !== undefined && held.endsAtMs <= nowMs) this.#held.delete(key);
      }
      this.#slots.delete(slot);
    }
    this.#sweptSlot = passed;
  }
}
