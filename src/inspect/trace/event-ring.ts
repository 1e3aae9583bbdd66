import { RingIndex } from "./ring-index.ts";
import { type EventRef, TRACE_TYPES, type TraceEvent } from "./trace-event.ts";

/**
 * The latest steps, in bounded memory. They are kept in columns, numbers in typed arrays: a step that is recorded then leaves next
 * to nothing for the garbage collector, which is most of what recording costs.
 */
export class EventRing {
  readonly #places: RingIndex;
  readonly #types: Uint8Array;
  readonly #numbers: Float64Array;
  readonly #identities: EventRef[] = [];
  readonly #replicas: string[] = [];
  readonly #owners: string[] = [];
  readonly #causes: string[] = [];

  /** @param size how many steps it holds. */
  constructor(size: number) {
    this.#places = new RingIndex(size);
    this.#types = new Uint8Array(size);
    this.#numbers = new Float64Array(size * COLUMNS);
  }

  /** How many steps there were; the number of the latest. */
  get last(): number {
    return this.#places.last;
  }

  /** Whether all steps after number `seq` are still here. */
  reaches(seq: number): boolean {
    return this.#places.reaches(seq);
  }

  push(step: TraceEvent): void {
    const place = this.#places.next();
    this.#types[place] = TRACE_TYPES.indexOf(step.type);
    this.#identities[place] = step.identity;
    this.#replicas[place] = step.replica;
    this.#owners[place] = step.owner;
    this.#causes[place] = step.cause;
    const at = place * COLUMNS;
    this.#numbers[at] = step.atMs;
    this.#numbers[at + 1] = step.attempt;
    this.#numbers[at + 2] = step.fence;
    this.#numbers[at + 3] = step.revision;
    this.#numbers[at + 4] = step.durationMs;
    this.#numbers[at + 5] = step.forMs;
  }

  /** The steps after number `seq` that are still here, oldest first. */
  *after(seq: number): Generator<TraceEvent, void> {
    for (const place of this.#places.after(seq)) yield this.#at(place);
  }

  /** All steps, latest first. */
  *backwards(): Generator<TraceEvent, void> {
    for (const place of this.#places.backwards()) yield this.#at(place);
  }

  /** The steps of one key, oldest first. */
  of(storeKey: string): readonly TraceEvent[] {
    const steps: TraceEvent[] = [];
    for (const place of this.#places.after(0)) {
      if (this.#identities[place]?.storeKey === storeKey) steps.push(this.#at(place));
    }
    return steps;
  }

  /** The events of the steps, the latest first, each time that they come. */
  *events(): Generator<EventRef, void> {
    for (const place of this.#places.backwards()) yield filled(this.#identities[place]);
  }

  #at(place: number): TraceEvent {
    const [atMs, attempt, fence, revision, durationMs, forMs] = this.#numbers.subarray(place * COLUMNS);
    return {
      type: filled(TRACE_TYPES[filled(this.#types[place])]),
      identity: filled(this.#identities[place]),
      atMs: filled(atMs),
      replica: filled(this.#replicas[place]),
      owner: filled(this.#owners[place]),
      attempt: filled(attempt),
      fence: filled(fence),
      revision: filled(revision),
      durationMs: filled(durationMs),
      forMs: filled(forMs),
      cause: filled(this.#causes[place]),
    };
  }
}

const COLUMNS = 6;

/** What stands in a place that was written. */
function filled<Value>(value: Value | undefined): Value {
  if (value === undefined) throw new TypeError("A place of the ring was read before it was written");
  return value;
}
