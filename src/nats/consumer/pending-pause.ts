import { backoffMs } from "../../internal/backoff.ts";

/** Most dispatches end within it. */
const FIRST_MS = 250;
/** Minimum pause: the holder may be about to commit. */
const SHORTEST_MS = 100;

export interface PendingMessage {
  /** Time left of the reservation, in milliseconds. */
  readonly retryAfterMs: number;
  /** Number of deliveries of the message by the server, counting from 1. */
  readonly deliveries: number;
  /** True if the server limits the number of deliveries. */
  readonly isLimited: boolean;
}

/**
 * Returns how long to wait before a pending message is redelivered, in milliseconds. The pause starts short, because most dispatches
 * take far less than a lease, and doubles up to the end of the reservation. If deliveries are limited, none is spent on an early try.
 */
export function pendingPauseMs({ retryAfterMs, deliveries, isLimited }: PendingMessage): number {
  const longestMs = Math.ceil(retryAfterMs);
  return Math.max(SHORTEST_MS, isLimited ? longestMs : backoffMs(deliveries, { firstMs: FIRST_MS, longestMs }));
}
