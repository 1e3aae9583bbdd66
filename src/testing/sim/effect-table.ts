import { LatchkeyError } from "../../errors.ts";
import type { RunEffect, RunEffectOnce } from "./handler.ts";

/** The marker of an effect that was committed. */
interface Marker {
  readonly fence: number;
  readonly value: unknown;
}

/** A table of a simulated database: markers of effects, by idempotency key and name. It outlives all processes. */
export class EffectTable {
  readonly #markers = new Map<string, Map<string, Marker>>();

  /** Returns an `effectOnce` whose transactions are effects of one process. */
  through(effect: RunEffect): RunEffectOnce {
    return (event, reservation, act, { name = "effect" } = {}) => {
      const { idempotencyKey, fence = 0, signal } = reservation;
      const options = { name, fence, ...(signal === undefined ? {} : { signal }) };
      return effect(event, options, () => this.#commit(idempotencyKey, name, fence, act));
    };
  }

  /** Inserts the marker, acts, and keeps the value, all at once. Returns the kept value if there is a marker. */
  #commit(key: string, name: string, fence: number, act: () => unknown): unknown {
    const ofKey = this.#markers.get(key) ?? new Map<string, Marker>();
    const highest = Math.max(0, ...[...ofKey.values()].map((marker) => marker.fence));
    if (fence > 0 && fence < highest) {
      throw new LatchkeyError(
        "fenced",
        `The effect of ${key} was refused: its fence ${fence} is lower than ${highest}, that of a later holder`,
      );
    }
    const marker = ofKey.get(name);
    if (marker !== undefined) return marker.value;
    const value = act();
    ofKey.set(name, { fence, value });
    this.#markers.set(key, ofKey);
    return value;
  }
}
