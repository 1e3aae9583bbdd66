import { LruMap } from "../../internal/lru-map.ts";

/** Deliveries of one message to this process that were nak'd. */
interface Deliveries {
  /** Deliveries whose dispatch threw. */
  readonly failed: number;
  /** Deliveries without a dispatch: another replica held the event, or the store was unreachable. */
  readonly notDispatched: number;
}

const NONE: Deliveries = { failed: 0, notDispatched: 0 };
/** Maximum number of messages to remember. A message that is forgotten starts again. */
const MAX_MESSAGES = 100_000;

/**
 * Counts failed dispatches by message. The server counts deliveries, whatever became of them. This process counts only what it saw, so
 * a message gets more attempts rather than fewer.
 */
export class FailureCounts {
  /** Deliveries of each message, by sequence in the stream. */
  readonly #bySequence = new LruMap<number, Deliveries>(MAX_MESSAGES);

  dispatchFailed(sequence: number): void {
    this.#add(sequence, { failed: 1, notDispatched: 0 });
  }

  notDispatched(sequence: number): void {
    this.#add(sequence, { failed: 0, notDispatched: 1 });
  }

  /** Returns the failed dispatches of a message that the server has delivered `deliveries` times, and the deliveries not seen here. */
  of(sequence: number, deliveries: number): { readonly failures: number; readonly unseen: number } {
    const { failed, notDispatched } = this.#bySequence.get(sequence) ?? NONE;
    return { failures: failed, unseen: Math.max(0, deliveries - failed - notDispatched) };
  }

  clear(): void {
    this.#bySequence.clear();
  }

  #add(sequence: number, more: Deliveries): void {
    const before = this.#bySequence.get(sequence) ?? NONE;
    this.#bySequence.set(sequence, {
      failed: before.failed + more.failed,
      notDispatched: before.notDispatched + more.notDispatched,
    });
  }
}
