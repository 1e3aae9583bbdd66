import type { DispatchFailure } from "./failure.ts";
import type { KeyFilter, StoreKey } from "./identity.ts";
import type { DedupRecord } from "./record.ts";

/** Number of a write. It rises with every write of a key. Revisions of different keys may be equal. */
export type Revision = number;

/** Key, record and revision. */
export interface Entry {
  /** Name of the key in the store. */
  readonly key: StoreKey;
  /** Record under the key. */
  readonly record: DedupRecord;
  /** Revision of the record. */
  readonly revision: Revision;
  /**
   * End of the window or of the reservation, in milliseconds since 1970 by the store's clock. Missing if the store does not report it.
   * For people, never for a decision.
   */
  readonly endsAtMs?: number;
}

/**
 * Result of a write. A conflict is a result, not an error. It carries `current` if the store knows the entry without another read.
 * A replicated store may report a conflict although it stored the write: the caller looks for its own token.
 */
export type Put = { readonly ok: true; readonly revision: Revision } | { readonly ok: false; readonly current?: Entry };

/** Result of a removal. */
export type Removal = { readonly ok: true } | { readonly ok: false; readonly current?: Entry };

/** Change of a key. Expiry is not reported. */
export type Change =
  | { readonly type: "put"; readonly entry: Entry }
  | {
      readonly type: "removed";
      readonly key: StoreKey;
      readonly revision: Revision;
      /** The failed dispatch whose reservation was released. Missing if there was none, or the store does not keep it. */
      readonly failure?: DispatchFailure;
    };

/** Cache invalidation: notifies replicas that answer from memory when keys are cleared. */
export interface CacheInvalidation {
  /**
   * Returns a number that changes with every {@link invalidate} of any replica; 0 before the first.
   * Returns `undefined` while it may have changed unnoticed: the cache is not used then. Called for every event, so it never waits.
   */
  epoch(): number | undefined;
  /**
   * Starts a new epoch after keys were removed. Resolves once no replica serves the removed entries from memory.
   * @throws {StoreUnavailableError}
   */
  invalidate(): Promise<void>;
}

/**
 * A compare-and-set register with a time to live.
 *
 * A removed or expired key is empty: `put` with `expected: 0` succeeds. Revisions only rise and are never reused, so a late write
 * cannot hit a later holder.
 *
 * A store throws {@link StoreUnavailableError} for its own failures, and {@link RecordTooLargeError} for a record that it can never
 * store. It throws {@link StoreForbiddenError} for a request that it does not permit, and {@link RecordUnreadableError} for a record
 * that it cannot read.
 */
export interface Store {
  /** Maximum `ttlMs` that the store keeps; unlimited if absent. */
  readonly maxWindowMs?: number;
  /** Writes `record` with a TTL of `ttlMs` if the key's revision equals `expected`; 0 for an empty key. */
  put(key: StoreKey, record: DedupRecord, how: { readonly expected: Revision; readonly ttlMs: number }): Promise<Put>;
  /** Returns the entry of the key, possibly slightly stale. */
  get(key: StoreKey): Promise<Entry | undefined>;
  /**
   * Removes the key if its revision equals `expected`. Without it, reservations end by expiry. `failure` is the dispatch that failed,
   * which the store may keep for {@link Store.failure} and {@link Store.watch}.
   */
  remove?(key: StoreKey, how: { readonly expected: Revision; readonly failure?: DispatchFailure }): Promise<Removal>;
  /** Returns the failed dispatch after which an empty key was released, while the store keeps it. Used by the inspector. */
  failure?(key: StoreKey): Promise<DispatchFailure | undefined>;
  /** Returns the failed dispatches after which matching, empty keys were released, while the store keeps them. Used by the inspector. */
  failures?(filter: KeyFilter): AsyncIterable<DispatchFailure>;
  /** Returns the entries of the matching keys, with every write that was acknowledged before. Used by `clear` and the inspector. */
  list?(filter: KeyFilter): AsyncIterable<Entry>;
  /** Reports changes of the matching keys from now on, until `signal` aborts. */
  watch?(filter: KeyFilter, signal: AbortSignal): AsyncIterable<Change>;
  /** Cache invalidation. Without it, duplicates are not answered from memory. */
  readonly invalidation?: CacheInvalidation;
  /** Ends the store's own work. Called by the store's owner; a deduplicator never closes its store. */
  close?(): Promise<void>;
}

/** Result of a write or a removal whose expected revision is no longer the key's. */
export type Conflict = Extract<Put, { readonly ok: false }>;

/** Builds a {@link Conflict}, with the current entry if the store knows it. */
export function conflict(current?: Entry): Conflict {
  return current === undefined ? { ok: false } : { ok: false, current };
}
