import type { StoreKey } from "../model/identity.ts";

/** Width of a slot in milliseconds: keys that end in the same second are evicted together. */
const SLOT_MS = 1_000;

interface Expiring {
  readonly endsAtMs: number;
}

/**
 * A map whose keys expire by a clock that the caller reads. There is no timer: expired keys are invisible, and each sweep evicts
 * the slots that have passed. A key is in the slot of each of its writes; a sweep skips it in all but the last.
 */
export class ExpiringMap<Value extends Expiring> {
  readonly #held = new Map<StoreKey, Value>();
  readonly #slots = new Map<number, StoreKey[]>();
  #sweptSlot: number | undefined;

  /** Number of keys, those that expired since the last sweep included. */
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
    const keys = this.#slots.get(slot);
    if (keys === undefined) this.#slots.set(slot, [key]);
    else keys.push(key);
  }

  delete(key: StoreKey): void {
    this.#held.delete(key);
  }

  clear(): void {
    this.#held.clear();
    this.#slots.clear();
  }

  /** Evicts the keys that expired in earlier slots. */
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
