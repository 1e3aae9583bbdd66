import type { Timer } from "../internal/timer-queue.ts";
import type { AttemptContext } from "./attempt-context.ts";

const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 1_000;

/** For how long a flight repeats what it asks of a store that does not answer, with longer and longer pauses in between. */
export class RetryTimer {
  readonly #of: AttemptContext;
  #endsAtMs = 0;
  #pauses = 0;
  #retry: Timer | undefined;

  constructor(of: AttemptContext) {
    this.#of = of;
  }

  /** What is asked from now on is worth repeating for so long. */
  last(ms: number): void {
    this.#endsAtMs = this.#of.clock.monotonicMs() + ms;
  }

  /** The store is there: the next pause is the shortest again. */
  rest(): void {
    this.#pauses = 0;
  }

  nextPauseMs(): number {
    const pauseMs = Math.min(FIRST_PAUSE_MS * 2 ** this.#pauses, LONGEST_PAUSE_MS);
    this.#pauses += 1;
    return pauseMs;
  }

  /** Sends `retry.due` after a pause, at the latest when the patience ends. */
  arm(): void {
    const nowMs = this.#of.clock.monotonicMs();
    const atMs = Math.min(nowMs + this.nextPauseMs(), Math.max(nowMs, this.#endsAtMs));
    if (atMs <= nowMs) this.#retryIsDue();
    else this.#retry = this.#of.deadlines.add(atMs, () => this.#retryIsDue());
  }

  stop(): void {
    this.#retry?.cancel();
  }

  #retryIsDue(): void {
    this.#of.send({ type: "retry.due", exhausted: this.#of.clock.monotonicMs() >= this.#endsAtMs });
  }
}
