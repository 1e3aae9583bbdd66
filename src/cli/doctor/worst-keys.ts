import { counted } from "../../internal/counted.ts";
import type { ReservedKey } from "../stored-keys/stored-key.ts";
import { printable } from "../terminal/printable.ts";

const NAMED = 3;

interface Match {
  readonly stored: ReservedKey;
  readonly detail: string;
}

/** Counts matching reservations and stores the worst of them. */
export class WorstKeys {
  readonly #rank: (stored: ReservedKey) => number;
  #count = 0;
  #worst: Match[] = [];

  constructor(rank: (stored: ReservedKey) => number) {
    this.#rank = rank;
  }

  /** @param detail why the reservation matches. */
  add(stored: ReservedKey, detail: string): void {
    this.#count += 1;
    this.#worst = [...this.#worst, { stored, detail }]
      .sort((one, other) => this.#rank(other.stored) - this.#rank(one.stored))
      .slice(0, NAMED);
  }

  /** Formats the matches: `4 events, billing 42 (web-1, held for 3 h), …`. */
  text(): string {
    const named = this.#worst.map(({ stored, detail }) => {
      const { subscriptionId, eventId } = stored.identity;
      return `${printable(subscriptionId)} ${printable(eventId)} (${printable(stored.record.owner)}, ${detail})`;
    });
    return `${counted(this.#count, "event")}, ${named.join(", ")}${this.#count > NAMED ? ", …" : ""}`;
  }
}
