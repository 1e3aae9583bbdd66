import { LruMap } from "../../internal/lru-map.ts";
import type { KeyedIdentity } from "../trace/trace-event.ts";
import type { TraceRecorder } from "../trace/trace-recorder.ts";

/** Number of remembered events that were looked up by identity. */
const LOOKED_UP_LIMIT = 1_000;

/** The events that the inspector knows: from the recording, or from a lookup by identity. */
export class KnownEvents {
  readonly #recorder: TraceRecorder;
  readonly #lookedUp = new LruMap<string, KeyedIdentity>(LOOKED_UP_LIMIT);

  constructor(recorder: TraceRecorder) {
    this.#recorder = recorder;
  }

  add(identity: KeyedIdentity): void {
    this.#lookedUp.set(identity.storeKey, identity);
  }

  get(storeKey: string): KeyedIdentity | undefined {
    const known = this.#lookedUp.get(storeKey) ?? this.#recorder.attempts.get(storeKey)?.identity;
    return known ?? this.search((identity) => identity.storeKey === storeKey, 1)[0];
  }

  /** Returns the matching events, each once, the most recently active first. */
  search(matches: (identity: KeyedIdentity) => boolean, limit: number): readonly KeyedIdentity[] {
    const found = new Map<string, KeyedIdentity>();
    for (const identity of this.#all()) {
      if (!found.has(identity.storeKey) && matches(identity)) found.set(identity.storeKey, identity);
      if (found.size === limit) break;
    }
    return [...found.values()];
  }

  *#all(): Generator<KeyedIdentity, void> {
    yield* this.#recorder.trace.identities();
    for (const { identity } of this.#recorder.attempts) yield identity;
  }
}
