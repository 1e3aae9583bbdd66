/** Place of a waiting item. */
export interface Place {
  /** Items with one key are taken one at a time, in the order of their sequences. Items without a key have no order. */
  readonly key: string | undefined;
  readonly sequence: number;
}

/** The items with one key. */
interface Line<Item> {
  readonly key: string;
  /** The item that was taken and is not finished. */
  current: Item | undefined;
  /** In the order of their sequences. */
  readonly waiting: { readonly item: Item; readonly sequence: number }[];
}

/** A queue that orders items by key: an item is ready once no earlier item with its key waits, and none is taken. */
export class OrderedQueue<Item> {
  readonly #ready = new Set<Item>();
  readonly #lines = new Map<string, Line<Item>>();
  readonly #lineOf = new Map<Item, Line<Item>>();

  /** Number of items that can be taken now. */
  get ready(): number {
    return this.#ready.size;
  }

  add(item: Item, { key, sequence }: Place): void {
    if (key === undefined) {
      this.#ready.add(item);
      return;
    }
    const line: Line<Item> = this.#lines.get(key) ?? { key, current: undefined, waiting: [] };
    this.#lines.set(key, line);
    this.#lineOf.set(item, line);
    this.#withdrawFirst(line);
    const after = line.waiting.findLastIndex((other) => other.sequence <= sequence);
    line.waiting.splice(after + 1, 0, { item, sequence });
    this.#offerFirst(line);
  }

  /** Returns the item that has been ready for longest. No other item with its key is ready until {@link remove}. */
  take(): Item | undefined {
    const [item] = this.#ready;
    if (item === undefined) return undefined;
    this.#ready.delete(item);
    const line = this.#lineOf.get(item);
    if (line !== undefined) {
      line.current = item;
      line.waiting.shift();
    }
    return item;
  }

  /** Removes an item that waits, or that was taken and is finished. */
  remove(item: Item): void {
    this.#ready.delete(item);
    const line = this.#lineOf.get(item);
    if (line === undefined) return;
    this.#lineOf.delete(item);
    if (line.current === item) line.current = undefined;
    else {
      const index = line.waiting.findIndex((other) => other.item === item);
      line.waiting.splice(index, 1);
    }
    this.#offerFirst(line);
    if (line.current === undefined && line.waiting.length === 0) this.#lines.delete(line.key);
  }

  #withdrawFirst({ waiting: [first] }: Line<Item>): void {
    if (first !== undefined) this.#ready.delete(first.item);
  }

  #offerFirst({ current, waiting: [first] }: Line<Item>): void {
    if (current === undefined && first !== undefined) this.#ready.add(first.item);
  }
}
