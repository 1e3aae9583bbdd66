import { backoffMs } from "../internal/backoff.ts";
import type { Timer } from "../internal/timer-queue.ts";
import type { AttemptContext } from "./attempt-context.ts";

const BACKOFF = { firstMs: 50, longestMs: 1_000 };

/** Limits how long an attempt repeats a store request, and spaces the retries with exponential backoff. */
export class RetryTimer {
  readonly #context: AttemptContext;
  #endsAtMs = 0;
  #retries = 0;
  #timer: Timer | undefined;

  constructor(context: AttemptContext) {
    this.#context = context;
  }

  /** Allows retries until `endsAtMs`, by the monotonic clock. */
  allowUntil(endsAtMs: number): void {
    this.#endsAtMs = endsAtMs;
  }

  /** Makes the next pause the shortest, because the store answered. */
  reset(): void {
    this.#retries = 0;
  }

  nextPauseMs(): number {
    this.#retries += 1;
    return backoffMs(this.#retries, BACKOFF);
  }

  /** Sends `retry.due` after a pause, but no later than the time for retries ends. */
  arm(): void {
    const { nowMs, timers } = this.#context.engine;
    const atMs = Math.min(nowMs + this.nextPauseMs(), Math.max(nowMs, this.#endsAtMs));
    if (atMs <= nowMs) this.#sendDue();
    else this.#timer = timers.add(atMs, () => this.#sendDue());
  }

  stop(): void {
    this.#timer?.cancel();
  }

  #sendDue(): void {
    const { actor, engine } = this.#context;
    actor.send({ type: "retry.due", exhausted: engine.nowMs >= this.#endsAtMs });
  }
}
