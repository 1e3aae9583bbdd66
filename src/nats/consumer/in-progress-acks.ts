import { type Clock, delay } from "../../internal/clock.ts";
import type { MessageDelivery } from "./delivery.ts";

/** In-progress acks per `ack_wait`. */
const ACKS_PER_WAIT = 4;
/** Longest time until a changed `ack_wait` is obeyed, in milliseconds. */
const TICK_MS = 1_000;

/**
 * Sends in-progress acks for all deliveries until the signal aborts, so that the server does not redeliver their messages.
 * @param ackWaitMs returns the server's wait, which can change.
 */
export async function sendInProgressAcks(
  deliveries: () => Iterable<MessageDelivery>,
  ackWaitMs: () => number,
  clock: Clock,
  signal: AbortSignal,
): Promise<void> {
  let sentAtMs = clock.monotonicMs();
  while (!signal.aborted) {
    const intervalMs = ackWaitMs() / ACKS_PER_WAIT;
    const nowMs = clock.monotonicMs();
    if (nowMs - sentAtMs >= intervalMs) {
      sentAtMs = nowMs;
      for (const delivery of deliveries()) delivery.sendInProgress();
    }
    await delay(clock, Math.min(intervalMs, TICK_MS), [signal]);
  }
}
