/**
 * A map with a limited number of entries, which evicts entries that were unused for long. The last `max / 2` used ones always stay.
 *
 * An entry that is written or read joins the younger of two generations. Once that one has half of the entries, it becomes the
 * older one, and the previous older one is dropped as a whole. A list in order of use costs twice as much (docs/performance.md).
 */
export class LruMap<Key, Value> {
  readonly #generationSize: number;
  #young = new Map<Key, Value>();
  #old = new Map<Key, Value>();

  /** @param max is the largest number of entries, at least 1. Memory is allocated as they come. */
  constructor(max: number) {
    this.#generationSize = Math.ceil(max / 2);
  }

  get size(): number {
    return this.#young.size + this.#old.size;
  }

  /** Returns the value under a key, which counts as a use. */
  get(key: Key): Value | undefined {
    const young = this.#young.get(key);
    if (young !== undefined) return young;
    const old = this.#old.get(key);
    if (old !== undefined) this.set(key, old);
    return old;
  }

  /** Returns the value under a key without using it. */
  peek(key: Key): Value | undefined {
    return this.#young.get(key) ?? this.#old.get(key);
  }

  set(key: Key, value: Value): void {
    this.#old.delete(key);
    this.#young.set(key, value);
    if (this.#young.size < this.#generationSize) return;
    this.#old = this.#young;
    this.#young = new Map();
  }

  delete(key: Key): void {
    if (!this.#young.delete(key)) this.#old.delete(key);
  }

  clear(): void {
    this.#young.clear();
    this.#old.clear();
  }

  *keys(): IterableIterator<Key> {
    yield* this.#old.keys();
    yield* this.#young.keys();
  }
}
