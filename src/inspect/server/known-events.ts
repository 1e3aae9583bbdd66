import { LRUCache } from "lru-cache";
import type { TraceRecorder } from "../trace/recorder.ts";
import type { EventRef } from "../trace/trace-event.ts";

const LOOKED_UP = 1_000;

/** The events that are known: from the recording, or because somebody named them. */
export class KnownEvents {
  readonly #recorder: TraceRecorder;
  readonly #lookedUp = new LRUCache<string, EventRef>({ max: LOOKED_UP });

  constructor(recorder: TraceRecorder) {
    this.#recorder = recorder;
  }

  note(event: EventRef): void {
    this.#lookedUp.set(event.storeKey, event);
  }

  get(storeKey: string): EventRef | undefined {
    const known = this.#lookedUp.get(storeKey) ?? this.#recorder.flights.get(storeKey)?.identity;
    return known ?? this.search((event) => event.storeKey === storeKey, 1)[0];
  }

  /** The events that match, each once, those that something happened to last first. */
  search(matches: (event: EventRef) => boolean, most: number): readonly EventRef[] {
    const found = new Map<string, EventRef>();
    for (const event of this.#all()) {
      if (!found.has(event.storeKey) && matches(event)) found.set(event.storeKey, event);
      if (found.size === most) break;
    }
    return [...found.values()];
  }

  *#all(): Generator<EventRef, void> {
    yield* this.#recorder.steps.events();
    for (const { identity } of this.#recorder.flights) yield identity;
  }
}
