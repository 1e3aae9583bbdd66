import { type LeaseClock, SUSPICIONS } from "../../inspect/conclusions/suspicion.ts";
import { type ListedKey, sinceMs } from "./stored-key.ts";
import { suspicionAbout } from "./verdict.ts";

/** Orders of a list. */
export const KEY_ORDERS = ["attention", "newest", "oldest", "ending"] as const;
export type KeyOrder = (typeof KEY_ORDERS)[number];

type Rank = (stored: ListedKey, now: LeaseClock) => number;

/** Sort keys of each order, ascending; later ones break ties. */
const ranks: Readonly<Record<KeyOrder, readonly Rank[]>> = {
  attention: [
    urgency,
    (stored) => (stored.state === "reserved" ? sinceMs(stored) : -sinceMs(stored)),
    (stored) => -stored.revision,
  ],
  newest: [(stored) => -sinceMs(stored), (stored) => -stored.revision],
  oldest: [sinceMs, (stored) => stored.revision],
  ending: [(stored) => stored.endsAtMs ?? Number.MAX_VALUE, (stored) => stored.revision],
};

/** Ranks unreadable keys first, then suspicious reservations, other reservations, failed dispatches and commits. */
function urgency(stored: ListedKey, now: LeaseClock): number {
  if (stored.state === "unreadable") return -1;
  if (stored.state === "failed") return SUSPICIONS.length + 1;
  if (stored.state === "committed") return SUSPICIONS.length + 2;
  const suspicion = suspicionAbout(stored, now);
  return suspicion === undefined ? SUSPICIONS.length : SUSPICIONS.indexOf(suspicion);
}

/** Selects the first keys of an order from any number of keys. Stores at most twice as many. */
export class FirstKeys {
  readonly #ranks: readonly Rank[];
  readonly #limit: number;
  readonly #now: LeaseClock;
  #keys: ListedKey[] = [];

  /** @param limit maximum number of keys; 0 for all. */
  constructor(order: KeyOrder, limit: number, now: LeaseClock) {
    this.#ranks = ranks[order];
    this.#limit = limit === 0 ? Number.POSITIVE_INFINITY : limit;
    this.#now = now;
  }

  add(stored: ListedKey): void {
    this.#keys.push(stored);
    if (this.#keys.length >= 2 * this.#limit) this.#keys = this.sorted();
  }

  sorted(): ListedKey[] {
    return this.#keys.sort((one, other) => this.#compare(one, other)).slice(0, this.#limit);
  }

  #compare(one: ListedKey, other: ListedKey): number {
    for (const rank of this.#ranks) {
      const difference = rank(one, this.#now) - rank(other, this.#now);
      if (difference !== 0) return difference;
    }
    return 0;
  }
}

export const DEFAULT_ORDER: KeyOrder = "attention";
/** Default maximum number of keys in a table. */
export const DEFAULT_LIMIT = 50;
