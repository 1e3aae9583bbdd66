import { deliverySentence, progressText, streamSummary } from "../terminal/sentences.ts";
import { amount, count, printable, seconds } from "../terminal/style.ts";
import type { Account } from "./report.ts";
import {
  countedDelivery,
  type DeliveryResult,
  emptyStreamTally,
  type StreamTally,
  streamEndedWell,
} from "./stream-results.ts";

export function streamAccount(target: string, hasDeadLetters: boolean): Account<DeliveryResult, StreamTally> {
  return {
    empty: emptyStreamTally,
    counted: countedDelivery,
    endedWell: streamEndedWell,
    sentence: deliverySentence,
    progress: (tally, durationMs) =>
      progressText(
        [
          count(tally.deliveries, "delivery", "deliveries"),
          `${amount(tally.dispatched)} dispatched`,
          count(tally.duplicates, "duplicate"),
          tally.putBack > 0 ? `${amount(tally.putBack)} put back` : undefined,
          tally.deadLettered > 0 ? count(tally.deadLettered, "dead letter") : undefined,
        ],
        tally.deliveries,
        durationMs,
      ),
    headline: (tally, durationMs) =>
      `${count(tally.deliveries, "delivery", "deliveries")} to ${printable(target)} in ${seconds(durationMs)}`,
    summary: (tally) => streamSummary(tally, hasDeadLetters),
    toJson: (result) => result,
  };
}
