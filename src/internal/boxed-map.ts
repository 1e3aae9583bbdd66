/**
 * A map for short-lived entries. Each value is in a box that is emptied on removal, so that V8 can collect it soon.
 * See "Short-lived entries are boxed" in docs/performance.md.
 */
export class BoxedMap<Key, Value> {
  readonly #boxes = new Map<Key, Box<Value>>();

  get size(): number {
    return this.#boxes.size;
  }

  get(key: Key): Value | undefined {
    return this.#boxes.get(key)?.value;
  }

  set(key: Key, value: Value): void {
    const before = this.#boxes.get(key);
    if (before !== undefined) before.value = undefined;
    this.#boxes.set(key, new Box(value));
  }

  delete(key: Key): void {
    const box = this.#boxes.get(key);
    if (box === undefined) return;
    box.value = undefined;
    this.#boxes.delete(key);
  }

  /** Values in the order of insertion. Later deletions and insertions are respected. */
  *values(): IterableIterator<Value> {
    for (const [, value] of this) yield value;
  }

  *[Symbol.iterator](): IterableIterator<readonly [Key, Value]> {
    for (const [key, { value }] of this.#boxes) {
      if (value !== undefined) yield [key, value];
    }
  }
}

class Box<Value> {
  value: Value | undefined;

  constructor(value: Value) {
    this.value = value;
  }
}
