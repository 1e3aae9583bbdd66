import type { ConsumerInfo } from "@nats-io/jetstream";
import { millis } from "@nats-io/nats-core";
import { span } from "../../inspect/conclusions/duration.ts";
import { amount, counted } from "../../internal/counted.ts";
import type { ConsumerFinding as SettingFinding } from "../../nats/consumer/consumer-finding.ts";
import { type ConsumerUse, checkConsumer } from "../../nats/consumer/start-up-check.ts";
import { type Finding, findingsAbout } from "./finding.ts";

const consumer = findingsAbout("consumer");

/** @param deadLetterFindings findings about the dead-letter stream, if its subject is known. */
export function examineConsumer(
  info: ConsumerInfo,
  use: ConsumerUse,
  deadLetterFindings: readonly SettingFinding[],
): readonly Finding[] {
  const isAsked = use.deadLetterSubject !== undefined;
  const { priority_groups: groups = [] } = info.config;
  const isGrouped = groups.length > 0 && use.group === undefined;
  const settings = checkConsumer(info.config, use)
    // Without --dead-letter and --group, neither of them missing is a finding: the replicas configure them.
    .filter(({ setting }) => (isAsked || setting !== "deadLetter") && !(isGrouped && setting === "priority_groups"))
    .concat(deadLetterFindings)
    .map(({ severity, setting, problem, remedy }) => consumer[severity](setting, problem, remedy));
  return [
    ...(settings.length === 0
      ? [consumer.ok("settings", "timeouts and limits are consistent with the lease and with each other")]
      : settings),
    ...examineDeadLetters(use, settings),
    ...(isGrouped ? [unnamedGroup(groups)] : []),
    ...examineFlow(info),
  ];
}

/** Reports what is in order or was not checked. What is wrong is among the settings. */
function examineDeadLetters(
  { deadLetterSubject: subject }: ConsumerUse,
  settings: readonly Finding[],
): readonly Finding[] {
  if (subject === undefined) {
    return [consumer.note("deadLetter", "the dead-letter stream was not checked", "give --dead-letter <subject>")];
  }
  const isInOrder = settings.every(({ check }) => check !== "deadLetter");
  return isInOrder ? [consumer.ok("deadLetter", `a stream keeps the letters for \`${subject}\``)] : [];
}

function unnamedGroup(groups: readonly string[]): Finding {
  const names = groups.map((name) => `\`${name}\``).join(", ");
  const evidence = `every replica has to name one of its groups (${names}), and which one it names was not checked`;
  const [first = ""] = groups;
  return consumer.note("priority_groups", evidence, `give --group ${first}, as to latchkey run`);
}

/** Checks that messages flow. */
function examineFlow(info: ConsumerInfo): readonly Finding[] {
  const { num_pending, num_ack_pending, num_waiting, num_redelivered, paused = false, pause_remaining } = info;
  const { max_ack_pending = -1 } = info.config;
  const again = num_redelivered > 0 ? `, ${amount(num_redelivered)} of them redelivered` : "";
  const numbers = `${counted(num_pending, "message waits", "messages wait")}, ${amount(num_ack_pending)} ${num_ack_pending === 1 ? "is" : "are"} in flight${again}`;
  if (paused) {
    const evidence = `the consumer is paused for another ${span(millis(pause_remaining))}: ${numbers}`;
    return [consumer.warning("flow", evidence, "nats consumer resume, if the pause is not intended")];
  }
  if (max_ack_pending > 0 && num_ack_pending >= max_ack_pending) {
    const evidence = `\`max_ack_pending\` is reached, so nothing is delivered until a message is acknowledged: ${numbers}`;
    const remedy = "find out why dispatches are slow (latchkey list --state reserved), or raise `max_ack_pending`";
    return [consumer.warning("flow", evidence, remedy)];
  }
  if (num_waiting === 0 && num_pending > 0) {
    const evidence = `no replica requests messages: ${numbers}`;
    return [consumer.warning("flow", evidence, "check that replicas run and are not all busy")];
  }
  return [consumer.ok("flow", numbers)];
}
