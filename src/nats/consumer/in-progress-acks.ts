import { type Clock, delay } from "../../internal/clock.ts";
import type { MessageDelivery } from "./delivery.ts";

/** In-progress acks per `ack_wait`. */
const ACKS_PER_WAIT = 4;

/** Sends in-progress acks for all deliveries until the signal aborts, so that the server does not redeliver their messages. */
export async function sendInProgressAcks(
  deliveries: Iterable<MessageDelivery>,
  ackWaitMs: number,
  clock: Clock,
  signal: AbortSignal,
): Promise<void> {
  const intervalMs = ackWaitMs / ACKS_PER_WAIT;
  while (!signal.aborted) {
    const nowMs = clock.monotonicMs();
    for (const delivery of deliveries) {
      if (nowMs - delivery.receivedAtMs >= intervalMs) delivery.sendInProgress();
    }
    await delay(clock, intervalMs, [signal]);
  }
}
