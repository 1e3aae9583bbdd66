/** Numbers the items that are put into a fixed number of places, over and over. */
export class RingIndex {
  readonly size: number;
  #last = 0;

  constructor(size: number) {
    this.size = size;
  }

  /** The number of the latest item, counting from 1; 0 when there is none. */
  get last(): number {
    return this.#last;
  }

  /** The number of the oldest item that is still in its place. */
  get first(): number {
    return Math.max(1, this.#last - this.size + 1);
  }

  /** Whether all items after number `seq` are still in their places. */
  reaches(seq: number): boolean {
    return seq <= this.#last && seq >= this.first - 1;
  }

  /** The place of the next item. */
  next(): number {
    const place = this.#last % this.size;
    this.#last += 1;
    return place;
  }

  /** The places of the items after number `seq` that are still there, oldest first. */
  *after(seq: number): Generator<number, void> {
    for (let at = Math.max(seq + 1, this.first); at <= this.#last; at += 1) yield (at - 1) % this.size;
  }

  /** All places, that of the latest item first. */
  *backwards(): Generator<number, void> {
    for (let at = this.#last; at >= this.first; at -= 1) yield (at - 1) % this.size;
  }
}
