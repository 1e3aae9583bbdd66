import type { KeyFilter, StoreKey } from "./identity.ts";
import type { DedupRecord } from "./record.ts";

/** Numbers the writes of a store: every later write of a key has a larger one. Of different keys they may be equal. */
export type Revision = number;

/** What a key holds. */
export interface Entry {
  readonly key: StoreKey;
  readonly record: DedupRecord;
  readonly revision: Revision;
}

/**
 * How a write ended; a conflict is a result, not an error. `current` is there when the store knows it without asking again. A store of
 * several servers may tell of a conflict although another of them stored the write: who asked looks for its own token.
 */
export type Put = { readonly ok: true; readonly revision: Revision } | { readonly ok: false; readonly current?: Entry };

/** How a removal ended. */
export type Removal = { readonly ok: true } | { readonly ok: false; readonly current?: Entry };

/** Something that happened to a key. A key whose time ended is not announced. */
export type Change =
  | { readonly type: "put"; readonly entry: Entry }
  | { readonly type: "removed"; readonly key: StoreKey; readonly revision: Revision };

/** How replicas that answer from memory learn that keys were cleared. */
export interface CacheInvalidation {
  /**
   * A number that changes with every {@link invalidate}, of any replica; 0 while there was none. `undefined` while it may have
   * changed unnoticed: then nothing is answered from memory. It is asked for every event, so it answers at once.
   */
  epoch(): number | undefined;
  /**
   * Called after keys were removed; resolves when no replica goes by what stood there before.
   * @throws {StoreUnavailableError}
   */
  invalidate(): Promise<void>;
}

/**
 * A compare-and-set register with a time to live: all that the protocol needs.
 *
 * A key that was removed, or whose time is up, holds nothing: `expected: 0` succeeds on it. Revisions only rise and are never
 * used twice, so that a write which lands late cannot hit a later holder. For trouble of its own a store throws
 * {@link StoreUnavailableError} and nothing else; for what it cannot read, {@link RecordUnreadableError}.
 */
export interface Store {
  /** The longest `ttlMs` that the store keeps; unlimited without it. */
  readonly maxWindowMs?: number;
  /** Writes `record` if the key's revision is `expected` (0: the key holds nothing), to live `ttlMs`. */
  put(key: StoreKey, record: DedupRecord, how: { readonly expected: Revision; readonly ttlMs: number }): Promise<Put>;
  /** What the key holds, perhaps a little out of date. */
  get(key: StoreKey): Promise<Entry | undefined>;
  /** Removes the key if its revision is `expected`. A store without it lets reservations expire instead. */
  remove?(key: StoreKey, how: { readonly expected: Revision }): Promise<Removal>;
  /** What the matching keys hold, for operators and the inspector. */
  list?(filter: KeyFilter): AsyncIterable<Entry>;
  /** What happens to the matching keys from now on, until `signal` aborts. */
  watch?(filter: KeyFilter, signal: AbortSignal): AsyncIterable<Change>;
  /** Without it, commits are not answered from memory. */
  readonly invalidation?: CacheInvalidation;
  close?(): Promise<void>;
}

/** Result of a write or a removal whose expected revision is no longer the key's. */
export type Conflict = Extract<Put, { readonly ok: false }>;

/** Builds a {@link Conflict}, with the current entry if the store knows it. */
export function conflict(current?: Entry): Conflict {
  return current === undefined ? { ok: false } : { ok: false, current };
}
