import type { StreamConfig } from "@nats-io/jetstream";
import { millis } from "@nats-io/nats-core";
import { subjectMatches } from "../wire/subject-pattern.ts";
import { type ConsumerFinding, finding } from "./consumer-finding.ts";
import type { ScheduledRetries } from "./scheduled-retry.ts";

const SETTING = "scheduledRetries";

/** Checks that the consumer's stream keeps scheduled copies until they are due, and that the consumer does not receive them. */
export async function checkScheduledRetries(
  { subject, jetstream }: ScheduledRetries,
  stream: string,
  filters: readonly string[],
  longestMs: number,
): Promise<readonly ConsumerFinding[]> {
  const config = await configOf(jetstream, stream);
  if (config === undefined) {
    const problem = `it could not be found out whether the stream \`${stream}\` keeps scheduled messages`;
    return [finding("error", SETTING, problem, `allow \`$JS.API.STREAM.INFO.${stream}\``)];
  }
  const findings: ConsumerFinding[] = [];
  const error = (problem: string, remedy: string) => void findings.push(finding("error", SETTING, problem, remedy));
  const copies = `${subject}.1`;
  if (config.allow_msg_schedules !== true) {
    error(`the stream \`${stream}\` has no \`allow_msg_schedules\``, "enable it: servers have it since 2.12");
  }
  if (config.retention === "interest") {
    error(`the stream \`${stream}\` has \`interest\` retention and discards copies`, "use `limits` or `workqueue`");
  }
  if (!config.subjects.some((pattern) => subjectMatches(pattern, copies))) {
    error(`the stream \`${stream}\` does not store \`${subject}.*\``, "add the subject to it");
  }
  if (filters.length === 0 || filters.some((filter) => subjectMatches(filter, copies))) {
    error(`the consumer reads \`${subject}.*\`, so copies come back at once`, "give the consumer a filter without it");
  }
  const maxAgeMs = millis(config.max_age);
  if (maxAgeMs > 0 && maxAgeMs <= longestMs) {
    const problem = `the stream \`${stream}\` removes messages after ${maxAgeMs} ms (\`max_age\`), before the longest pause of ${longestMs} ms ends`;
    error(problem, "make `max_age` longer, or `backoffMs.longestMs` shorter");
  }
  return findings;
}

async function configOf(jetstream: ScheduledRetries["jetstream"], stream: string): Promise<StreamConfig | undefined> {
  try {
    const manager = await jetstream.jetstreamManager(false);
    return (await manager.streams.info(stream)).config;
  } catch {
    return undefined;
  }
}
