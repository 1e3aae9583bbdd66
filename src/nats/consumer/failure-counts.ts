import { LRUCache } from "lru-cache";

/** What this replica made of the deliveries of one message that it has put back. */
interface Past {
  /** Of these, the dispatch threw. */
  readonly failed: number;
  /** These never came to a dispatch: another held the event, or the store was out of reach. */
  readonly notDispatched: number;
}

const NOTHING: Past = { failed: 0, notDispatched: 0 };
/** So many messages are remembered; of one that is forgotten, every delivery counts as a dispatch. */
const MOST_REMEMBERED = 10_000;

/**
 * How often the dispatch of a message failed. The server counts deliveries, whatever became of them, and nothing on it tells how
 * many were put back without a dispatch. What this replica has seen of them is exact when it is the only one; else it is taken for
 * the share among all of them.
 */
export class FailureCounts {
  /** By the message's sequence in the stream. */
  readonly #bySequence = new LRUCache<number, Past>({ max: MOST_REMEMBERED });

  /** A dispatch threw. @returns how many have by now, at least 1. @param deliveries how often the server has delivered the message. */
  failed(sequence: number, deliveries: number): number {
    const { failed, notDispatched } = this.#note(sequence, { failed: 1, notDispatched: 0 });
    return Math.max(1, Math.round((deliveries * failed) / (failed + notDispatched)));
  }

  notDispatched(sequence: number): void {
    this.#note(sequence, { failed: 0, notDispatched: 1 });
  }

  #note(sequence: number, more: Past): Past {
    const before = this.#bySequence.get(sequence) ?? NOTHING;
    const past = {
      failed: before.failed + more.failed,
      notDispatched: before.notDispatched + more.notDispatched,
    };
    this.#bySequence.set(sequence, past);
    return past;
  }
}
