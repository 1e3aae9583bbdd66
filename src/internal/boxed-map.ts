/**
 * A map of what comes and goes, whose values V8 lets go of soon. From a `Map` it does not: each time a map is laid out anew, the
 * old layout keeps what stood in it and refers to the new one; once one of them is old, all that stood in any that followed is
 * taken to be in use until the next collection of the whole memory, and is copied. In these there are boxes, which are emptied.
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
    this.#boxes.set(key, { value });
  }

  delete(key: Key): void {
    const box = this.#boxes.get(key);
    if (box === undefined) return;
    box.value = undefined;
    this.#boxes.delete(key);
  }

  /** In the order in which they were set; what is deleted meanwhile is left out, what is set is given. */
  *values(): IterableIterator<Value> {
    for (const [, value] of this) yield value;
  }

  *[Symbol.iterator](): IterableIterator<readonly [Key, Value]> {
    for (const [key, { value }] of this.#boxes) {
      if (value !== undefined) yield [key, value];
    }
  }
}

interface Box<Value> {
  value: Value | undefined;
}
