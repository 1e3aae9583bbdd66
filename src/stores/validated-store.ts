import { RecordUnreadableError } from "../errors.ts";
import { expected } from "../internal/validate.ts";
import { type KeyFilter, parseStoreKey, type StoreKey } from "../model/identity.ts";
import { checkRecord, type DedupRecord } from "../model/record.ts";
import { checkIdentity, type EventIds, identityOf } from "../model/record-identity.ts";
import type { CacheInvalidation, Entry, Put, Removal, Revision, Store } from "../model/store.ts";

/** Whose record a read is to find: the event's with these ids, that of whichever event the key is of, or no matter whose. */
export type Whose = EventIds | "the key's" | "anybody's";

/**
 * A store whose answers are checked, by itself or, for a write, by {@link readPut}: what is not as the contract says is a
 * `TypeError`, and the record of another event than the key's a {@link RecordUnreadableError}; neither is ever read as a
 * duplicate. A record of version 1 always has its ids.
 */
export class ValidatedStore {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  /** `undefined` when the store does not tell of clears. */
  get invalidation(): CacheInvalidation | undefined {
    const { invalidation } = this.#store;
    return (
      invalidation && { epoch: () => checkMark(invalidation.epoch()), invalidate: () => invalidation.invalidate() }
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

  async get(key: StoreKey, whose: Whose): Promise<Entry | undefined> {
    const answer: unknown = await this.#store.get(key);
    return answer === undefined ? undefined : checkEntry(key, answer, whose);
  }

  /** @returns `undefined` when the store cannot remove. */
  async remove(key: StoreKey, how: { expected: Revision }, whose: Whose): Promise<Removal | undefined> {
    if (this.#store.remove === undefined) return undefined;
    const answer: unknown = await this.#store.remove(key, how);
    if (isObject(answer)) {
      if (answer["ok"] === true) return { ok: true };
      if (answer["ok"] === false) return conflict(key, answer["current"], whose);
    }
    throw new TypeError(expected("the answer of store.remove", "{ ok: true } or { ok: false, current? }", answer));
  }

  /** What can be read, and then the error of the first record that cannot. @returns `undefined` when the store cannot list. */
  list(filter: KeyFilter, whose: Exclude<Whose, EventIds>): AsyncIterable<Entry> | undefined {
    if (this.#store.list === undefined) return undefined;
    return checkEntries(this.#store.list(filter), whose);
  }
}

/** What a write came to, by the store's answer. */
export function readPut(key: StoreKey, answer: unknown, whose: Whose): Put {
  if (isObject(answer)) {
    if (answer["ok"] === true && isRevision(answer["revision"])) return { ok: true, revision: answer["revision"] };
    if (answer["ok"] === false) return conflict(key, answer["current"], whose);
  }
  throw new TypeError(expected("the answer of store.put", "{ ok: true, revision } or { ok: false, current? }", answer));
}

async function* checkEntries(entries: AsyncIterable<unknown>, whose: Whose): AsyncIterable<Entry> {
  let unreadable: RecordUnreadableError | undefined;
  for await (const entry of entries) {
    const key = isObject(entry) ? entry["key"] : undefined;
    if (typeof key !== "string") throw new TypeError(expected("an entry of store.list", ENTRY, entry));
    let checked: Entry;
    try {
      checked = checkEntry(parseStoreKey(key), entry, whose);
    } catch (error) {
      if (!(error instanceof RecordUnreadableError)) throw error;
      unreadable ??= error;
      continue;
    }
    yield checked;
  }
  if (unreadable !== undefined) throw unreadable;
}

const ENTRY = "{ key, record, revision }";

function conflict(key: StoreKey, current: unknown, whose: Whose): { readonly ok: false; readonly current?: Entry } {
  return current === undefined ? { ok: false } : { ok: false, current: checkEntry(key, current, whose) };
}

function checkMark(mark: unknown): number | undefined {
  if (mark === undefined || (typeof mark === "number" && mark >= 0)) return mark;
  throw new TypeError(expected("the answer of store.invalidation.epoch", "a number of at least 0, or undefined", mark));
}

function checkEntry(key: StoreKey, answer: unknown, whose: Whose): Entry {
  if (!isObject(answer) || answer["key"] !== key || !isRevision(answer["revision"])) {
    throw new TypeError(expected(`the store's entry of ${key}`, ENTRY, answer));
  }
  const record = checkRecord(answer["record"], key);
  if (whose === "the key's") identityOf(record, key);
  else if (whose !== "anybody's") checkIdentity(record, key, whose);
  return { key, record, revision: answer["revision"] };
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}

function isRevision(value: unknown): value is Revision {
  return Number.isSafeInteger(value) && Number(value) > 0;
}
