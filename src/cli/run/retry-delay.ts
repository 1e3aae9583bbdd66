import { backoffMs } from "../../internal/backoff.ts";

const BACKOFF = { firstMs: 500, longestMs: 30_000 };

/** Maximum honoured Retry-After, in milliseconds. */
export const MAX_RETRY_AFTER_MS = 120_000;

/** Returns the pause after failure number `attempt`: exponential backoff with 50 % jitter, at least `retryAfterMs`. */
export function retryDelayMs(attempt: number, random: () => number, retryAfterMs = 0): number {
  const fullMs = backoffMs(attempt, BACKOFF);
  return Math.max(fullMs / 2 + (fullMs / 2) * random(), Math.min(retryAfterMs, MAX_RETRY_AFTER_MS));
}
