import type { BackoffRange } from "../../internal/backoff.ts";

/** Below this free share of `max_ack_pending`, delays are shortened. */
const SCARCE = 0.5;
/** The shortest bound, as a share of the longest delay. A shorter one would spend all attempts during a brief outage. */
const SHORTEST_SHARE = 0.1;

/**
 * Returns the bound for the delay of a failed message, in milliseconds. A delayed message occupies `max_ack_pending`, so the less
 * of that is free, the shorter the delays. Failing messages become dead letters sooner and block other messages for less time.
 */
export function longestDelayMs({ firstMs, longestMs }: BackoffRange, freeShare: number): number {
  if (freeShare >= SCARCE) return longestMs;
  const share = Math.max(SHORTEST_SHARE, freeShare / SCARCE);
  return Math.max(firstMs, Math.round(longestMs * share));
}
