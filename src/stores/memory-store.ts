import { StoreUnavailableError } from "../errors.ts";
import { onAbort } from "../internal/abort.ts";
import { AsyncQueue } from "../internal/async-queue.ts";
import { type Clock, systemClock } from "../internal/clock.ts";
import { objectWith, wholeNumber } from "../internal/validate.ts";
import type { DispatchFailure } from "../model/failure.ts";
import { type KeyFilter, keyMatcher, type StoreKey } from "../model/identity.ts";
import { type DedupRecord, decodeRecord, encodeRecord } from "../model/record.ts";
import {
  type Change,
  conflict,
  type Entry,
  type Put,
  type Removal,
  type Revision,
  type Store,
} from "../model/store.ts";
import { ExpiringMap } from "./expiring-map.ts";

/** Options of {@link memoryStore}. */
export interface MemoryStoreOptions {
  /** Source of time. @default the clock of this process */
  readonly clock?: Clock;
  /** Maximum number of keys, at least 1. Beyond it, `put` throws {@link StoreUnavailableError}. @default 1_000_000 */
  readonly maxKeys?: number;
}

/** Store of one process, and the reference for every other store. */
export type MemoryStore = Required<Omit<Store, "maxWindowMs" | "failure" | "failures">>;

const DEFAULT_MAX_KEYS = 1_000_000;

/**
 * Creates a {@link Store} in the memory of this process.
 * @throws {TypeError | RangeError} naming the wrong option.
 */
export function memoryStore(options: MemoryStoreOptions = {}): MemoryStore {
  const { clock = systemClock, maxKeys = DEFAULT_MAX_KEYS } = options;
  objectWith("clock", clock, "monotonicMs");
  wholeNumber("maxKeys", maxKeys, 1);
  const keys = new ExpiringMap<Held>();
  const watchers = new Set<(change: Change) => void>();
  let lastRevision: Revision = 0;
  let epoch = 0;

  const heldBy = (key: StoreKey): Held | undefined => keys.get(key, clock.monotonicMs());
  const entryOf = (key: StoreKey, { record, revision, endsAtMs }: Held): Entry => ({
    key,
    record,
    revision,
    endsAtMs: Math.round(clock.wallMs() + endsAtMs - clock.monotonicMs()),
  });

  const put = (key: StoreKey, record: DedupRecord, expected: Revision, ttlMs: number): Put => {
    const nowMs = clock.monotonicMs();
    keys.sweep(nowMs);
    const found = keys.get(key, nowMs);
    if ((found?.revision ?? 0) !== expected) return conflict(found && entryOf(key, found));
    if (found === undefined && keys.size >= maxKeys) {
      const message = `The memory store is full: it holds ${maxKeys} keys, its \`maxKeys\`. Raise it, or use a shorter \`windowMs\``;
      throw new StoreUnavailableError(message, { ambiguous: false });
    }
    const stored = frozenCopy(record, key);
    lastRevision += 1;
    const held = { record: stored, revision: lastRevision, endsAtMs: nowMs + ttlMs };
    keys.set(key, held);
    for (const notify of watchers) notify({ type: "put", entry: entryOf(key, held) });
    return { ok: true, revision: lastRevision };
  };

  return {
    // Not an async function, which would allocate its frame for each of a guard's two writes.
    put(
      key: StoreKey,
      record: DedupRecord,
      { expected, ttlMs }: { readonly expected: Revision; readonly ttlMs: number },
    ): Promise<Put> {
      try {
        return Promise.resolve(put(key, record, expected, ttlMs));
      } catch (error) {
        return Promise.reject(error);
      }
    },

    async get(key: StoreKey): Promise<Entry | undefined> {
      const held = heldBy(key);
      return held && entryOf(key, held);
    },

    async remove(
      key: StoreKey,
      how: { readonly expected: Revision; readonly failure?: DispatchFailure },
    ): Promise<Removal> {
      const held = heldBy(key);
      if (held?.revision !== how.expected) return conflict(held && entryOf(key, held));
      keys.delete(key);
      lastRevision += 1;
      const failed = how.failure === undefined ? {} : { failure: how.failure };
      for (const notify of watchers) notify({ type: "removed", key, revision: lastRevision, ...failed });
      return { ok: true };
    },

    async *list(filter: KeyFilter): AsyncIterable<Entry> {
      const matches = keyMatcher(filter);
      for (const key of keys.keys()) {
        const held = matches(key) ? heldBy(key) : undefined;
        if (held !== undefined) yield entryOf(key, held);
      }
    },

    watch(filter: KeyFilter, signal: AbortSignal): AsyncIterable<Change> {
      const matches = keyMatcher(filter);
      const changes = new AsyncQueue<Change>();
      const notify = (change: Change): void => {
        if (matches(change.type === "put" ? change.entry.key : change.key)) changes.push(change);
      };
      watchers.add(notify);
      const leave = (): void => {
        watchers.delete(notify);
        stopListening();
      };
      const stopListening = onAbort(signal, leave);
      if (signal.aborted) leave();
      return changes.until(signal, leave);
    },

    invalidation: {
      epoch: () => epoch,
      async invalidate(): Promise<void> {
        epoch += 1;
      },
    },

    async close(): Promise<void> {
      keys.clear();
    },
  };
}

interface Held {
  readonly record: DedupRecord;
  readonly revision: Revision;
  readonly endsAtMs: number;
}

/** Returns the record as it is after encoding to JSON, frozen: neither the writer nor a reader can change it. */
function frozenCopy(record: DedupRecord, key: StoreKey): DedupRecord {
  const isFlat = record.state === "reserved" || record.result === undefined;
  return isFlat && Object.isFrozen(record) ? record : deeplyFrozen(decodeRecord(encodeRecord(record), key));
}

function deeplyFrozen<Value>(value: Value): Value {
  if (typeof value === "object" && value !== null) Object.values(Object.freeze(value)).forEach(deeplyFrozen);
  return value;
}
