import type { ReservedKey } from "../bucket/stored-key.ts";
import { count, printable } from "../terminal/style.ts";

const NAMED = 3;

interface Suspect {
  readonly kept: ReservedKey;
  readonly detail: string;
}

/** Counts reservations and keeps the worst of them. */
export class WorstKeys {
  readonly #badness: (kept: ReservedKey) => number;
  #count = 0;
  #worst: Suspect[] = [];

  constructor(badness: (kept: ReservedKey) => number) {
    this.#badness = badness;
  }

  /** @param detail what is bad about it. */
  add(kept: ReservedKey, detail: string): void {
    this.#count += 1;
    this.#worst = [...this.#worst, { kept, detail }]
      .sort((one, other) => this.#badness(other.kept) - this.#badness(one.kept))
      .slice(0, NAMED);
  }

  /** `4 events are held: billing 42 (web-1, for 3 h), …`; undefined when there are none. */
  text(one: string, many: string): string | undefined {
    if (this.#count === 0) return undefined;
    const named = this.#worst.map(({ kept, detail }) => {
      const { subscriptionId, eventId } = kept.identity;
      return `${printable(subscriptionId)} ${printable(eventId)} (${printable(kept.record.owner)}, ${detail})`;
    });
    return `${count(this.#count, one, many)}: ${named.join(", ")}${this.#count > NAMED ? ", …" : ""}`;
  }
}
