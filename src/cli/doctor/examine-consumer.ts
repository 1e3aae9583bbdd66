import type { ConsumerInfo } from "@nats-io/jetstream";
import { millis } from "@nats-io/nats-core";
import {
  type ConsumerUse,
  checkConsumer,
  type ConsumerFinding as SettingFinding,
} from "../../nats/consumer/start-up-check.ts";
import { amount, count, span } from "../terminal/style.ts";
import { type Finding, findingsAbout } from "./finding.ts";

const consumer = findingsAbout("consumer");

/** @param findings about its dead letters, when it is known where they go. */
export function examineConsumer(
  info: ConsumerInfo,
  use: ConsumerUse,
  deadLetterFindings: readonly SettingFinding[],
): readonly Finding[] {
  const isAsked = use.deadLetterSubject !== undefined;
  const settings = checkConsumer(info.config, use)
    // Where dead letters go is the business of whoever runs it: that it was not said here is no fault there.
    .filter(({ setting }) => isAsked || setting !== "deadLetter")
    .concat(deadLetterFindings)
    .map(({ severity, setting, problem, remedy }) => consumer[severity](setting, problem, remedy));
  return [
    ...(settings.length === 0
      ? [consumer.ok("settings", "waits and limits go with the lease and with each other")]
      : settings),
    ...(isAsked
      ? []
      : [consumer.note("deadLetter", "it was not looked at where dead letters go", "give --dead-letter <subject>")]),
    ...examineFlow(info),
  ];
}

/** Whether messages flow, and if not, why. */
function examineFlow(info: ConsumerInfo): readonly Finding[] {
  const { num_pending, num_ack_pending, num_waiting, num_redelivered, paused = false, pause_remaining } = info;
  const { max_ack_pending = -1 } = info.config;
  const again = num_redelivered > 0 ? `, ${amount(num_redelivered)} of them again` : "";
  const numbers = `${count(num_pending, "message waits", "messages wait")}, ${amount(num_ack_pending)} ${num_ack_pending === 1 ? "is" : "are"} in hand${again}`;
  if (paused) {
    const evidence = `it is paused for another ${span(millis(pause_remaining))}: ${numbers}`;
    return [consumer.warning("flow", evidence, "nats consumer resume, if that is not meant")];
  }
  if (max_ack_pending > 0 && num_ack_pending >= max_ack_pending) {
    const evidence = `as many messages are unanswered as \`max_ack_pending\` allows: nothing more is delivered until some are; ${numbers}`;
    const remedy = "find out what the replicas wait for (latchkey list --state reserved), or raise `max_ack_pending`";
    return [consumer.warning("flow", evidence, remedy)];
  }
  if (num_waiting === 0 && num_pending > 0) {
    const evidence = `nobody asks for messages: ${numbers}`;
    return [consumer.warning("flow", evidence, "see whether replicas run, and whether all of them are busy")];
  }
  return [consumer.ok("flow", numbers)];
}
