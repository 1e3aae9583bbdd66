import { RingIndex } from "./ring-index.ts";
import { type KeyedIdentity, TRACE_TYPES, type TraceEvent } from "./trace-event.ts";

/** The latest trace events, in bounded memory. Columns and typed arrays keep the garbage collector out of recording. */
export class EventRing {
  readonly #index: RingIndex;
  readonly #types: Uint8Array;
  readonly #numbers: Float64Array;
  readonly #identities: KeyedIdentity[] = [];
  readonly #replicas: string[] = [];
  readonly #owners: string[] = [];
  readonly #causes: string[] = [];

  /** @param size maximum number of events. */
  constructor(size: number) {
    this.#index = new RingIndex(size);
    this.#types = new Uint8Array(size);
    this.#numbers = new Float64Array(size * COLUMNS);
  }

  /** Number of the latest event, which is how many were pushed. */
  get last(): number {
    return this.#index.last;
  }

  /** Returns true if the ring still contains all events after number `seq`. */
  reaches(seq: number): boolean {
    return this.#index.reaches(seq);
  }

  /** Copies an event into the ring. The caller may reuse the object. */
  push(event: TraceEvent): void {
    const slot = this.#index.next();
    this.#types[slot] = TRACE_TYPES.indexOf(event.type);
    this.#identities[slot] = event.identity;
    this.#replicas[slot] = event.replica;
    this.#owners[slot] = event.owner;
    this.#causes[slot] = event.cause;
    const at = slot * COLUMNS;
    this.#numbers[at] = event.atMs;
    this.#numbers[at + 1] = event.attempt;
    this.#numbers[at + 2] = event.fence;
    this.#numbers[at + 3] = event.revision;
    this.#numbers[at + 4] = event.durationMs;
    this.#numbers[at + 5] = event.forMs;
  }

  /** Yields the remaining events after number `seq`, oldest first. */
  *after(seq: number): Generator<TraceEvent, void> {
    for (const slot of this.#index.after(seq)) yield this.#at(slot);
  }

  /** Yields all events, latest first. */
  *backwards(): Generator<TraceEvent, void> {
    for (const slot of this.#index.backwards()) yield this.#at(slot);
  }

  /** Returns the events of one key, oldest first. */
  of(storeKey: string): readonly TraceEvent[] {
    const trace: TraceEvent[] = [];
    for (const slot of this.#index.after(0)) {
      if (this.#identities[slot]?.storeKey === storeKey) trace.push(this.#at(slot));
    }
    return trace;
  }

  /** Yields the identity of every event, latest first, with repetitions. */
  *identities(): Generator<KeyedIdentity, void> {
    for (const slot of this.#index.backwards()) yield written(this.#identities[slot]);
  }

  #at(slot: number): TraceEvent {
    const [atMs, attempt, fence, revision, durationMs, forMs] = this.#numbers.subarray(slot * COLUMNS);
    return {
      type: written(TRACE_TYPES[written(this.#types[slot])]),
      identity: written(this.#identities[slot]),
      atMs: written(atMs),
      replica: written(this.#replicas[slot]),
      owner: written(this.#owners[slot]),
      attempt: written(attempt),
      fence: written(fence),
      revision: written(revision),
      durationMs: written(durationMs),
      forMs: written(forMs),
      cause: written(this.#causes[slot]),
    };
  }
}

const COLUMNS = 6;

function written<Value>(value: Value | undefined): Value {
  if (value === undefined) throw new TypeError("A slot of the ring was read before it was written");
  return value;
}
