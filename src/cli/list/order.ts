import { type StoredKey, sinceMs } from "../bucket/stored-key.ts";

/** Which keys come first. */
export const ORDERS = ["attention", "newest", "oldest", "ending"] as const;
export type Order = (typeof ORDERS)[number];

type Rank = (kept: StoredKey) => number;

const RANKS = { unreadable: 0, reserved: 1, committed: 2 } as const;

/** By what keys are sorted: the first number, and where that is the same the next, the smaller first. */
const ranks: Readonly<Record<Order, readonly Rank[]>> = {
  // What may be stuck: what cannot be read, then what is held for long, then the latest commits.
  attention: [
    (kept) => RANKS[kept.state],
    (kept) => (kept.state === "reserved" ? sinceMs(kept) : -sinceMs(kept)),
    (kept) => -kept.revision,
  ],
  newest: [(kept) => -sinceMs(kept), (kept) => -kept.revision],
  oldest: [sinceMs, (kept) => kept.revision],
  ending: [(kept) => kept.endsAtMs ?? Number.MAX_VALUE, (kept) => kept.revision],
};

/** The first keys in an order, of any number that are added; keeps twice as many at most. */
export class FirstKeys {
  readonly #ranks: readonly Rank[];
  readonly #limit: number;
  #keys: StoredKey[] = [];

  /** @param limit 0 for all. */
  constructor(order: Order, limit: number) {
    this.#ranks = ranks[order];
    this.#limit = limit === 0 ? Number.POSITIVE_INFINITY : limit;
  }

  add(kept: StoredKey): void {
    this.#keys.push(kept);
    if (this.#keys.length >= 2 * this.#limit) this.#keys = this.sorted();
  }

  sorted(): StoredKey[] {
    return this.#keys.sort((one, other) => this.#compare(one, other)).slice(0, this.#limit);
  }

  #compare(one: StoredKey, other: StoredKey): number {
    for (const rank of this.#ranks) {
      const difference = rank(one) - rank(other);
      if (difference !== 0) return difference;
    }
    return 0;
  }
}

export const DEFAULT_ORDER: Order = "attention";
/** How many a person is shown. */
export const DEFAULT_LIMIT = 50;
