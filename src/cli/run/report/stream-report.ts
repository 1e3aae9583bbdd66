import { amount, counted } from "../../../internal/counted.ts";
import { errorMessage } from "../../../internal/error-message.ts";
import type { Audit } from "../../../nats/index.ts";
import { secondsText } from "../../terminal/format.ts";
import type { Paint } from "../../terminal/paint.ts";
import { printable } from "../../terminal/printable.ts";
import {
  addDelivery,
  type DeliveryResult,
  emptyStreamTally,
  type StreamTally,
  streamSucceeded,
} from "./delivery-results.ts";
import { doubtText } from "./doubt.ts";
import type { ReportFormat } from "./report.ts";
import { DOUBTFUL, dispatchRows, rowIfAny, runProgressText } from "./summary-table.ts";

/** @param hasDeadLetters true if dead letters are stored. */
export function streamReport(target: string, hasDeadLetters: boolean): ReportFormat<DeliveryResult, StreamTally> {
  return {
    empty: emptyStreamTally,
    add: addDelivery,
    hasSucceeded: streamSucceeded,
    resultText: deliveryText,
    progress: (tally, durationMs) =>
      runProgressText(
        [
          counted(tally.deliveries, "delivery", "deliveries"),
          `${amount(tally.dispatched)} dispatched`,
          counted(tally.duplicates, "duplicate"),
          tally.naks > 0 ? counted(tally.naks, "nak") : undefined,
          tally.deadLettered > 0 ? counted(tally.deadLettered, "dead letter") : undefined,
        ],
        tally.deliveries,
        durationMs,
      ),
    headline: (tally, durationMs) =>
      `${counted(tally.deliveries, "delivery", "deliveries")} to ${printable(target)} in ${secondsText(durationMs)}`,
    summary: (tally) => [
      ...dispatchRows(tally),
      ...rowIfAny("naks", tally.naks, "redelivered later"),
      ...rowIfAny("dead letters", tally.deadLettered, hasDeadLetters ? undefined : "terminated without a copy"),
      ...rowIfAny("letters lost", tally.deadLettersLost, "terminated, and the dead letter could not be stored"),
      ...rowIfAny("lost", tally.lost, "of the naks: the consumer's max_deliver was reached"),
      ...rowIfAny("doubtful", tally.doubtful, DOUBTFUL),
    ],
    toJson: (result) => result,
  };
}

/** Describes a delivery that needs attention. Returns undefined for the others, and for pending events. */
export function deliveryText(result: DeliveryResult, paint: Paint): string | undefined {
  const where = paint(
    "dim",
    `message ${result.sequence}${result.deliveries > 1 ? `, delivery ${result.deliveries}` : ""}`,
  );
  const which = printable(result.eventId ?? "without identity");
  switch (result.outcome) {
    case "duplicate":
      return undefined;
    case "dispatched":
      return doubtText(result.commit, where, which, paint);
    case "nak": {
      if (result.lost) return `${where}  ${paint("red", "lost")}  ${which}: this was its last delivery (max_deliver)`;
      if (result.reason === undefined) return undefined;
      return `${where}  ${paint("yellow", "nak")}  ${which}: ${result.reason}; redelivered in ${secondsText(result.delayMs)}`;
    }
    case "dead-lettered":
      return `${where}  ${paint("red", "dead letter")}  ${which}: ${result.reason}`;
    case "dead-letter-lost":
      return `${where}  ${paint("red", "lost")}  ${which}: the dead letter could not be stored: ${result.reason}`;
  }
}

/** Describes an audit event of the consumer itself. Returns undefined for events of a delivery's end. */
export function auditText(audit: Audit): string | undefined {
  if (audit.type === "trigger.consumer.warning") return `Warning: ${withOptionNames(audit.finding.sentence)}`;
  if (audit.type === "trigger.pull.failed") return `Fetching messages failed, retrying: ${errorMessage(audit.error)}`;
  if (audit.type === "trigger.consumer.changed") {
    return `The consumer was changed: ${audit.changes.map(({ setting }) => printable(setting)).join(", ")}`;
  }
  if (audit.type === "trigger.termination.lost" || (audit.type === "trigger.ack.unconfirmed" && audit.refused)) {
    return `The server does not accept the answer to message ${audit.sequence}, so it delivers the message again: check the permission to publish to $JS.ACK (latchkey doctor)`;
  }
  if (audit.type !== "trigger.dead-letter.failed") return undefined;
  return `Storing message ${audit.sequence} as a dead letter failed, retrying: ${errorMessage(audit.error)}`;
}

/** Replaces the names of the options of `consume` by those of the command line. */
function withOptionNames(sentence: string): string {
  return sentence.replaceAll("`deadLetter`", "--dead-letter").replaceAll(/(a )?`subscriptionId`/g, "--subscription");
}
