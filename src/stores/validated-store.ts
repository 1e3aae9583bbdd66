import { RecordUnreadableError } from "../errors.ts";
import { isObject } from "../internal/is-object.ts";
import { expected } from "../internal/validate.ts";
import { checkFailure, type DispatchFailure } from "../model/failure.ts";
import { type KeyFilter, parseStoreKey, type StoreKey } from "../model/identity.ts";
import { checkRecord, type DedupRecord } from "../model/record.ts";
import { checkIdentity, type EventIds, identityOf } from "../model/record-identity.ts";
import {
  type CacheInvalidation,
  type Change,
  type Conflict,
  conflict,
  type Entry,
  type Put,
  type Removal,
  type Revision,
  type Store,
} from "../model/store.ts";

/** Owner check of a read: the event with these ids, the event that the key belongs to, or none. */
export type ExpectedOwner = EventIds | "key" | "any";

/**
 * A store whose answers are validated, those of writes by {@link readPut}. An answer outside the contract throws a `TypeError`;
 * the record of another event throws a {@link RecordUnreadableError}. Neither is ever read as a duplicate.
 */
export class ValidatedStore {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  /** Cache invalidation of the store, validated; `undefined` if the store has none. */
  get invalidation(): CacheInvalidation | undefined {
    const { invalidation } = this.#store;
    return (
      invalidation && { epoch: () => checkEpoch(invalidation.epoch()), invalidate: () => invalidation.invalidate() }
    );
  }

  /** Returns the unchecked answer, for {@link readPut}. A store that throws or does not return a promise is tolerated. */
  put(key: StoreKey, record: DedupRecord, how: { expected: Revision; ttlMs: number }): Promise<unknown> {
    try {
      return Promise.resolve(this.#store.put(key, record, how));
    } catch (error) {
      return Promise.reject(error);
    }
  }

  async get(key: StoreKey, owner: ExpectedOwner): Promise<Entry | undefined> {
    const answer: unknown = await this.#store.get(key);
    return answer === undefined ? undefined : checkEntry(key, answer, owner);
  }

  /** Removes a key. Returns `undefined` if the store cannot remove. */
  async remove(
    key: StoreKey,
    how: { readonly expected: Revision; readonly failure?: DispatchFailure },
    owner: ExpectedOwner,
  ): Promise<Removal | undefined> {
    if (this.#store.remove === undefined) return undefined;
    const answer: unknown = await this.#store.remove(key, how);
    if (isObject(answer)) {
      if (answer["ok"] === true) return { ok: true };
      if (answer["ok"] === false) return checkConflict(key, answer["current"], owner);
    }
    throw new TypeError(expected("the answer of store.remove", "{ ok: true } or { ok: false, current? }", answer));
  }

  /** Returns every readable entry, then throws for the first unreadable record. Returns `undefined` if the store cannot list. */
  list(filter: KeyFilter, owner: Exclude<ExpectedOwner, EventIds>): AsyncIterable<Entry> | undefined {
    if (this.#store.list === undefined) return undefined;
    return checkEntries(this.#store.list(filter), owner);
  }

  /** Returns changes of any owner's records, each validated. Returns `undefined` if the store cannot watch. */
  watch(filter: KeyFilter, signal: AbortSignal): AsyncIterable<Change> | undefined {
    if (this.#store.watch === undefined) return undefined;
    return checkChanges(this.#store.watch(filter, signal));
  }
}

async function* checkChanges(changes: AsyncIterable<unknown>): AsyncIterable<Change> {
  for await (const change of changes) yield checkChange(change);
}

/** Validates the answer of `put`. */
export function readPut(key: StoreKey, answer: unknown, owner: ExpectedOwner): Put {
  if (isObject(answer)) {
    if (answer["ok"] === true && isRevision(answer["revision"])) return { ok: true, revision: answer["revision"] };
    if (answer["ok"] === false) return checkConflict(key, answer["current"], owner);
  }
  throw new TypeError(expected("the answer of store.put", "{ ok: true, revision } or { ok: false, current? }", answer));
}

async function* checkEntries(entries: AsyncIterable<unknown>, owner: ExpectedOwner): AsyncIterable<Entry> {
  let unreadable: RecordUnreadableError | undefined;
  for await (const entry of entries) {
    const key = isObject(entry) ? entry["key"] : undefined;
    if (typeof key !== "string") throw new TypeError(expected("an entry of store.list", ENTRY, entry));
    let checked: Entry;
    try {
      checked = checkEntry(parseStoreKey(key), entry, owner);
    } catch (error) {
      if (!(error instanceof RecordUnreadableError)) throw error;
      unreadable ??= error;
      continue;
    }
    yield checked;
  }
  if (unreadable !== undefined) throw unreadable;
}

const ENTRY = "{ key, record, revision, endsAtMs? }";

function checkChange(change: unknown): Change {
  if (isObject(change)) {
    const { type, entry, key, revision } = change;
    if (type === "removed" && typeof key === "string" && isRevision(revision)) {
      const failure = checkFailure(change["failure"]);
      return { type, key: parseStoreKey(key), revision, ...(failure === undefined ? {} : { failure }) };
    }
    if (type === "put" && isObject(entry) && typeof entry["key"] === "string") {
      return { type, entry: checkEntry(parseStoreKey(entry["key"]), entry, "any") };
    }
  }
  throw new TypeError(
    expected("a change of store.watch", `{ type: "put", entry } or { type: "removed", key, revision }`, change),
  );
}

function checkConflict(key: StoreKey, current: unknown, owner: ExpectedOwner): Conflict {
  return conflict(current === undefined ? undefined : checkEntry(key, current, owner));
}

function checkEpoch(epoch: unknown): number | undefined {
  if (epoch === undefined || (typeof epoch === "number" && epoch >= 0)) return epoch;
  throw new TypeError(
    expected("the answer of store.invalidation.epoch", "a number of at least 0, or undefined", epoch),
  );
}

function checkEntry(key: StoreKey, answer: unknown, owner: ExpectedOwner): Entry {
  if (!isObject(answer) || answer["key"] !== key || !isRevision(answer["revision"])) {
    throw new TypeError(expected(`the store's entry of ${key}`, ENTRY, answer));
  }
  const record = checkRecord(answer["record"], key);
  if (owner === "key") identityOf(record, key);
  else if (owner !== "any") checkIdentity(record, key, owner);
  const { revision, endsAtMs } = answer;
  if (endsAtMs === undefined) return { key, record, revision };
  if (typeof endsAtMs === "number" && !Number.isNaN(endsAtMs)) return { key, record, revision, endsAtMs };
  throw new TypeError(expected(`the \`endsAtMs\` of the store's entry of ${key}`, "a time", endsAtMs));
}

function isRevision(value: unknown): value is Revision {
  return Number.isSafeInteger(value) && Number(value) > 0;
}
