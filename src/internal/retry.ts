import { type BackoffRange, backoffMs } from "./backoff.ts";
import { type Clock, delay } from "./clock.ts";

export interface RetryOptions {
  readonly clock: Clock;
  /** Time after which no further attempt begins, in milliseconds. */
  readonly timeoutMs: number;
  readonly backoff: BackoffRange;
  /** Ends the pauses early and makes the next attempt the last. */
  readonly signal?: AbortSignal;
}

/**
 * Calls `attempt` until it returns something other than `undefined`, with a pause after each `undefined`.
 * The last attempt gets `isLast: true`. What it returns is the result, and what any attempt throws ends the retries.
 */
export async function retryUntil<Value>(
  { clock, timeoutMs, backoff, signal }: RetryOptions,
  attempt: (isLast: boolean) => Promise<Value | undefined>,
): Promise<Value | undefined> {
  const deadlineMs = clock.monotonicMs() + timeoutMs;
  for (let retry = 1; ; retry += 1) {
    const isLast = clock.monotonicMs() >= deadlineMs || signal?.aborted === true;
    const value = await attempt(isLast);
    if (value !== undefined || isLast) return value;
    const leftMs = Math.max(0, deadlineMs - clock.monotonicMs());
    await delay(clock, Math.min(leftMs, backoffMs(retry, backoff)), [signal]);
  }
}
