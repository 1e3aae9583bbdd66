import { BoxedMap } from "../internal/boxed-map.ts";
import type { DedupEvent } from "../model/event.ts";
import type { ResolvedIdentity, StoreKey } from "../model/identity.ts";
import type { Durations } from "./durations.ts";

/** A reservation of this process. Times are those of its events. */
interface Held {
  /** That of the attempt. A later attempt for the same key has another object. */
  readonly identity: ResolvedIdentity;
  readonly reservedAtMs: number;
  /** Absent until the handler returns or throws. */
  dispatchedAtMs: number | undefined;
}

/** Measures stages by the times in the events of a deduplicator: a guard needs no timer and no promise of its own. */
export class StageDurations {
  readonly #durations: Durations;
  /** The last reservation of each key. An earlier one, whose lease ended, is no longer measured. */
  readonly #held = new BoxedMap<StoreKey, Held>();

  constructor(durations: Durations) {
    this.#durations = durations;
  }

  /** Number of keys between their reservation and their commit or release. */
  get inFlight(): number {
    return this.#held.size;
  }

  add(event: DedupEvent): void {
    const { type, identity, durationMs } = event;
    switch (type) {
      case "reserved":
        this.#durations.reserve.add(durationMs);
        this.#hold(event);
        break;
      case "unprotected":
        this.#hold(event);
        break;
      case "duplicate":
      case "pending":
        this.#durations.reserve.add(durationMs);
        break;
      case "store-unavailable":
        if (this.#heldBy(identity) === undefined) this.#durations.reserve.add(durationMs);
        break;
      case "dispatched":
      case "failed":
        this.#endDispatch(event);
        break;
      case "committed":
      case "superseded":
      case "unconfirmed":
        this.#end(event, "commit");
        break;
      case "released":
        this.#end(event, "release");
        break;
      case "renewed":
      case "expired":
      case "result-not-kept":
        break;
    }
  }

  #hold({ identity, durationMs }: DedupEvent): void {
    this.#held.set(identity.storeKey, { identity, reservedAtMs: durationMs, dispatchedAtMs: undefined });
  }

  #heldBy(identity: ResolvedIdentity): Held | undefined {
    const held = this.#held.get(identity.storeKey);
    return held?.identity === identity ? held : undefined;
  }

  #endDispatch({ identity, durationMs }: DedupEvent): void {
    const held = this.#heldBy(identity);
    if (held === undefined) return;
    held.dispatchedAtMs = durationMs;
    this.#durations.dispatch.add(durationMs - held.reservedAtMs);
  }

  #end({ identity, durationMs }: DedupEvent, stage: "commit" | "release"): void {
    const held = this.#heldBy(identity);
    if (held === undefined) return;
    this.#held.delete(identity.storeKey);
    if (held.dispatchedAtMs !== undefined) this.#durations[stage].add(durationMs - held.dispatchedAtMs);
    this.#durations.lease.add(durationMs - held.reservedAtMs);
  }
}
