import { LatchkeyError } from "../../errors.ts";
import type { HistoryRecorder } from "../record/history-recorder.ts";
import type { Effects } from "./effects.ts";
import type { RunEffectOnce } from "./handler.ts";

/** The marker of an effect that was committed. */
interface Marker {
  readonly fence: number;
  readonly value: unknown;
}

/** A table of a simulated database: markers of effects, by idempotency key and name. It outlives all processes. */
export class EffectTable {
  readonly #effects: Effects;
  readonly #markers = new Map<string, Map<string, Marker>>();

  constructor(effects: Effects) {
    this.#effects = effects;
  }

  /**
   * Returns the `effectOnce` of one process. An effect happens when its transaction commits. A transaction that is rolled back or
   * finds a marker has no effect, so only its end is recorded.
   */
  of(task: string, recorder: HistoryRecorder): RunEffectOnce {
    return (event, { idempotencyKey, fence = 0, signal }, act, { name = "effect" } = {}) => {
      const reservation = { fence, ...(signal === undefined ? {} : { signal }) };
      const effect = (): Promise<unknown> => recorder.effect(event, reservation, async () => act(), name);
      const ended = (failed: boolean): void => recorder.note({ type: "transaction.ended", event, name, failed });
      return this.#effects.transaction(task, `${name} of ${event}`, signal, {
        commit: () => this.#commit(idempotencyKey, name, fence, effect, () => ended(false)),
        onFailure: () => ended(true),
      });
    };
  }

  /** Inserts the marker, acts, and keeps the value, all at once. Returns the kept value if there is a marker. */
  async #commit(
    key: string,
    name: string,
    fence: number,
    effect: () => Promise<unknown>,
    onMarker: () => void,
  ): Promise<unknown> {
    const ofKey = this.#markers.get(key) ?? new Map<string, Marker>();
    const highest = Math.max(0, ...[...ofKey.values()].map((marker) => marker.fence));
    if (fence > 0 && fence < highest) {
      throw new LatchkeyError(
        "fenced",
        `The effect of ${key} was refused: its fence ${fence} is lower than ${highest}, that of a later holder`,
      );
    }
    const marker = ofKey.get(name);
    if (marker !== undefined) {
      onMarker();
      return marker.value;
    }
    const value = await effect();
    ofKey.set(name, { fence, value });
    this.#markers.set(key, ofKey);
    return value;
  }
}
