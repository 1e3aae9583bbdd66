import type { StoreKey } from "../model/identity.ts";

/** The width of a slot: keys that end in the same second are let go together. */
const SLOT_MS = 1_000;

interface Ending {
  readonly endsAtMs: number;
}

/**
 * Keys that end, by a clock that the caller reads. There is no timer: a key whose time is up is not seen, and each sweep lets go
 * of the slots that have passed. A key stands in the slot of each of its writes; in all but the last it is found to live on.
 */
export class ExpiringMap<Value extends Ending> {
  readonly #held = new Map<StoreKey, Value>();
  readonly #slots = new Map<number, StoreKey[]>();
  #sweptSlot: number | undefined;

  /** How many there are, with those that have ended since the last sweep. */
  get size(): number {
    return this.#held.size;
  }

  keys(): IterableIterator<StoreKey> {
    return this.#held.keys();
  }

  get(key: StoreKey, nowMs: number): Value | undefined {
    const held = this.#held.get(key);
    return held !== undefined && held.endsAtMs > nowMs ? held : undefined;
  }

  set(key: StoreKey, value: Value): void {
    this.#held.set(key, value);
    const slot = slotOf(value.endsAtMs);
    const there = this.#slots.get(slot);
    if (there === undefined) this.#slots.set(slot, [key]);
    else there.push(key);
  }

  delete(key: StoreKey): void {
    this.#held.delete(key);
  }

  clear(): void {
    this.#held.clear();
    this.#slots.clear();
  }

  /** Lets go of what ended in the slots before this one. */
  sweep(nowMs: number): void {
    const passed = slotOf(nowMs) - 1;
    this.#sweptSlot ??= passed;
    if (passed <= this.#sweptSlot) return;
    for (let slot = this.#sweptSlot; slot <= passed && this.#slots.size > 0; slot += 1) {
      for (const key of this.#slots.get(slot) ?? []) {
        const held = this.#held.get(key);
        if (held !== undefined && held.endsAtMs <= nowMs) this.#held.delete(key);
      }
      this.#slots.delete(slot);
    }
    this.#sweptSlot = passed;
  }
}

function slotOf(ms: number): number {
  return Math.floor(ms / SLOT_MS);
}
