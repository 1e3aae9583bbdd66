const FIRST_MS = 250;
/** Sooner it is never asked again: the holder may just be about to commit. */
const SHORTEST_MS = 100;

export interface PendingMessage {
  /** What is left of the reservation. */
  readonly retryAfterMs: number;
  /** How often the server has delivered the message, counting from 1. */
  readonly deliveries: number;
  /** Whether the server gives up after so many. */
  readonly isCounted: boolean;
}

/**
 * How long a message stays away whose event another is dispatching: shortly at first, since most dispatches take far less than a
 * lease, then twice as long each time, and no longer than the reservation stands. Where deliveries are counted, none is spent on
 * coming too early.
 */
export function pendingPauseMs({ retryAfterMs, deliveries, isCounted }: PendingMessage): number {
  const guessMs = isCounted ? Number.POSITIVE_INFINITY : FIRST_MS * 2 ** (deliveries - 1);
  return Math.max(SHORTEST_MS, Math.min(guessMs, Math.ceil(retryAfterMs)));
}
