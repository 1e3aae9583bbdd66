import type { NakDelay } from "../../../machines/delivery.ts";
import { type BackoffRange, backoffMs } from "../../internal/backoff.ts";
import { longestDelayMs } from "./longest-delay.ts";
import { pendingPauseMs } from "./pending-pause.ts";

/** Circumstances that decide the delay of a redelivery. */
export interface NakCircumstances {
  readonly deliveries: number;
  /** Number of failed dispatches, or of deliveries if the message was not dispatched. */
  readonly failures: number;
  /** Time left of another holder's reservation, in milliseconds. */
  readonly retryAfterMs: number;
  /** True if the server limits the number of deliveries. */
  readonly isLimited: boolean;
  /** Free share of the consumer's `max_ack_pending`. */
  readonly freeShare: number;
  readonly backoff: BackoffRange;
}

/** Returns the delay of a redelivery, in milliseconds. */
export function nakDelayMs(delay: NakDelay, of: NakCircumstances): number {
  switch (delay) {
    case "none":
      return 0;
    case "pending":
      return pendingPauseMs(of);
    case "backoff":
      return Math.min(backoffMs(of.failures, of.backoff), longestDelayMs(of.backoff, of.freeShare));
  }
}
