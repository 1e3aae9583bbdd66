/** Assigns numbered items to the slots of a ring buffer. */
export class RingIndex {
  readonly size: number;
  #last = 0;

  constructor(size: number) {
    this.size = size;
  }

  /** Number of the latest item, counted from 1; 0 for an empty ring. */
  get last(): number {
    return this.#last;
  }

  /** Number of the oldest item that is not overwritten. */
  get first(): number {
    return Math.max(1, this.#last - this.size + 1);
  }

  /** Returns true if no item after number `seq` is overwritten. */
  reaches(seq: number): boolean {
    return seq <= this.#last && seq >= this.first - 1;
  }

  /** Returns the slot for the next item. */
  next(): number {
    const slot = this.#last % this.size;
    this.#last += 1;
    return slot;
  }

  /** Yields the slots of the remaining items after number `seq`, oldest first. */
  *after(seq: number): Generator<number, void> {
    for (let at = Math.max(seq + 1, this.first); at <= this.#last; at += 1) yield (at - 1) % this.size;
  }

  /** Yields all slots, latest first. */
  *backwards(): Generator<number, void> {
    for (let at = this.#last; at >= this.first; at -= 1) yield (at - 1) % this.size;
  }
}
