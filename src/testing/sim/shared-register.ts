import { collected } from "../../internal/collected.ts";
import type { KeyFilter, StoreKey } from "../../model/identity.ts";
import type { DedupRecord } from "../../model/record.ts";
import type { CacheInvalidation, Entry, Put, Removal, Revision, Store } from "../../model/store.ts";

/** The store that all processes share, with the previous entry of each key. */
export class SharedRegister {
  readonly #store: Store;
  readonly #past = new Map<StoreKey, Entry | undefined>();
  readonly #present = new Map<StoreKey, Entry | undefined>();

  constructor(store: Store) {
    this.#store = store;
  }

  get invalidation(): CacheInvalidation | undefined {
    return this.#store.invalidation;
  }

  async put(
    key: StoreKey,
    record: DedupRecord,
    how: { readonly expected: Revision; readonly ttlMs: number },
  ): Promise<Put> {
    const put = await this.#store.put(key, record, how);
    if (put.ok) this.#remember(key, { key, record, revision: put.revision });
    return put;
  }

  get(key: StoreKey): Promise<Entry | undefined> {
    return this.#store.get(key);
  }

  async remove(key: StoreKey, how: { readonly expected: Revision }): Promise<Removal> {
    if (this.#store.remove === undefined) throw new TypeError("Expected the store of a simulation to have `remove`");
    const removal = await this.#store.remove(key, how);
    if (removal.ok) this.#remember(key, undefined);
    return removal;
  }

  async list(filter: KeyFilter): Promise<readonly Entry[]> {
    const entries = this.#store.list?.(filter);
    return entries === undefined ? [] : collected(entries);
  }

  /** Returns the entry before the last write: what an outdated read shows. */
  before(key: StoreKey): Entry | undefined {
    return this.#past.get(key);
  }

  /** Loses the last write that the store still holds. */
  async forget(): Promise<void> {
    let last: Entry | undefined;
    for (const key of this.#present.keys()) {
      const entry = await this.#store.get(key);
      if (entry !== undefined && entry.revision > (last?.revision ?? 0)) last = entry;
    }
    if (last !== undefined) await this.remove(last.key, { expected: last.revision });
  }

  #remember(key: StoreKey, entry: Entry | undefined): void {
    this.#past.set(key, this.#present.get(key));
    this.#present.set(key, entry);
  }
}
