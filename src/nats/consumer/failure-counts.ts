import { LRUCache } from "lru-cache";

/** Deliveries of one message that this replica has nak'd. */
interface Deliveries {
  /** Deliveries whose dispatch threw. */
  readonly failed: number;
  /** Deliveries without a dispatch: another replica held the event, or the store was unreachable. */
  readonly notDispatched: number;
}

const NONE: Deliveries = { failed: 0, notDispatched: 0 };
/** Maximum number of messages to remember. For a forgotten message, every delivery counts as a failed dispatch. */
const MAX_MESSAGES = 10_000;

/**
 * Counts failed dispatches by message. The server counts deliveries, whatever became of them, and does not know how many had no
 * dispatch. A single replica counts exactly. Several replicas each assume that others' deliveries failed in the same proportion.
 */
export class FailureCounts {
  /** Deliveries of each message, by sequence in the stream. */
  readonly #bySequence = new LRUCache<number, Deliveries>({ max: MAX_MESSAGES });

  dispatchFailed(sequence: number): void {
    this.#add(sequence, { failed: 1, notDispatched: 0 });
  }

  notDispatched(sequence: number): void {
    this.#add(sequence, { failed: 0, notDispatched: 1 });
  }

  /** Estimates the failed dispatches of a message that the server has delivered `deliveries` times; at least 1. */
  failures(sequence: number, deliveries: number): number {
    const { failed, notDispatched } = this.#bySequence.get(sequence) ?? NONE;
    const seen = failed + notDispatched;
    return Math.max(1, seen === 0 ? deliveries : Math.round((deliveries * failed) / seen));
  }

  #add(sequence: number, more: Deliveries): void {
    const before = this.#bySequence.get(sequence) ?? NONE;
    this.#bySequence.set(sequence, {
      failed: before.failed + more.failed,
      notDispatched: before.notDispatched + more.notDispatched,
    });
  }
}
