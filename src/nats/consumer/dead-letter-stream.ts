import type { ConsumerConfig, JetStreamManager, StreamInfo } from "@nats-io/jetstream";
import { millis } from "@nats-io/nats-core";
import { subjectMatches } from "../wire/subject-pattern.ts";
import { type ConsumerFinding, finding } from "./consumer-finding.ts";
import type { DeadLetterOptions } from "./dead-letter.ts";

const SETTING = "deadLetter";
const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;
/** Shorter ages end before an operator has looked: a weekend. */
const SHORTEST_USEFUL_AGE_MS = 3 * DAY_MS;
/** Size of the largest message that a server accepts by default. */
const DEFAULT_MAX_PAYLOAD = 1024 * 1024;

/** Checks that a stream keeps the dead letters, and that the consumer does not receive them itself. */
export async function checkDeadLetterStream(
  { subject, jetstream }: DeadLetterOptions,
  stream: string,
  config: ConsumerConfig,
): Promise<readonly ConsumerFinding[]> {
  const destination = await findStream(jetstream, subject);
  if (destination === "unknown") {
    const problem = `it could not be found out whether a stream stores \`${subject}\``;
    return [finding("warning", SETTING, problem, "make sure that a stream stores it: dead letters need one")];
  }
  if (destination === undefined) {
    const problem = `no stream stores \`${subject}\`, so dead letters cannot be stored`;
    return [finding("error", SETTING, problem, "add the subject to a stream")];
  }
  const isFiltered = config.filter_subject !== undefined || config.filter_subjects !== undefined;
  if (destination.name === stream && !isFiltered) {
    const problem = `dead letters for \`${subject}\` are stored in \`${stream}\`, all of which this consumer reads`;
    return [finding("error", SETTING, problem, "use another stream, or a filter")];
  }
  if (destination.info === "unknown") {
    const problem = `it could not be found out whether the stream \`${destination.name}\` keeps dead letters`;
    const remedy = `allow \`$JS.API.STREAM.INFO.${destination.name}\`, or run \`latchkey doctor\` as another user`;
    return [finding("warning", SETTING, problem, remedy)];
  }
  return checkRetention(destination.info, await findInterest(destination, subject));
}

/** True if a consumer of the stream receives the dead letters; `unknown` without the permission to ask. */
export type Interest = boolean | "unknown";

/** Checks that a stream keeps the letters it acknowledges. Errors: letters are not kept. Warnings: letters may be removed. */
function checkRetention({ config, state }: StreamInfo, interest: Interest): readonly ConsumerFinding[] {
  const { name, max_msgs, max_bytes, max_msgs_per_subject, max_msg_size } = config;
  const stream = `the dead-letter stream \`${name}\``;
  const findings: ConsumerFinding[] = [];
  const error = (problem: string, remedy: string) =>
    void findings.push(finding("error", SETTING, `${stream} ${problem}`, remedy));
  const warning = (problem: string, remedy: string) =>
    void findings.push(finding("warning", SETTING, `${stream} ${problem}`, remedy));

  if (config.sealed) error("is sealed and accepts no messages", "use another stream");
  if (config.no_ack) {
    error("has `no_ack`, so it never confirms that it stored a letter", "create one without `no_ack`");
  }
  if (config.allow_msg_counter) {
    error("has `allow_msg_counter` and accepts counters only", "use another stream");
  }
  if (config.retention === "interest" && interest === false) {
    const problem = "has `interest` retention and no consumer of the letters, so it discards every letter";
    error(problem, "make the retention `limits`");
  } else if (config.retention !== "limits") {
    const problem = `has \`${config.retention}\` retention, so a letter is removed once its consumers acknowledged it`;
    warning(problem, "make the retention `limits`, unless the letters are meant for a consumer");
  }
  if (max_msgs_per_subject === 1) {
    error("has `max_msgs_per_subject: 1`, so it keeps a single letter", "remove that limit");
  }
  for (const limit of limitsOf(config)) {
    if (limit.value <= 0 || (limit.setting === "max_msgs_per_subject" && limit.value === 1)) continue;
    if (limit.discardsNew) {
      const problem = `refuses letters when it reaches \`${limit.setting}: ${limit.value}\``;
      warning(problem, "remove letters in time, or raise the limit: letters that cannot be stored are lost in the end");
    } else {
      const problem = `removes its oldest letters when it reaches \`${limit.setting}: ${limit.value}\``;
      warning(problem, "make `discard` `new`, or remove the limit");
    }
  }
  if (isFull(max_msgs, state.messages) || isFull(max_bytes, state.bytes)) {
    if (config.discard === "new") warning("is full", "remove letters, or raise the limit");
  }
  const maxAgeMs = millis(config.max_age);
  if (maxAgeMs > 0 && maxAgeMs < MINUTE_MS) {
    error(`removes letters after ${maxAgeMs} ms (\`max_age\`)`, "make `max_age` 0, or days");
  } else if (maxAgeMs > 0 && maxAgeMs < SHORTEST_USEFUL_AGE_MS) {
    const hours = Math.round(maxAgeMs / (60 * MINUTE_MS));
    warning(
      `removes letters after ${hours < 1 ? "less than an hour" : `${hours} h`} (\`max_age\`)`,
      "make it days, or 0",
    );
  }
  if (max_msg_size > 0 && max_msg_size < DEFAULT_MAX_PAYLOAD) {
    const problem = `accepts messages up to ${max_msg_size} bytes (\`max_msg_size\`): the letter of a larger one has no body`;
    warning(problem, "remove that limit");
  }
  if (config.storage === "memory") {
    warning("keeps letters in memory (`storage`), so a restart of its servers removes them", "create one with `file`");
  }
  if (config.subject_transform !== undefined) {
    warning(
      "stores letters under other subjects (`subject_transform`), where `latchkey dead` does not look",
      "remove it",
    );
  }
  if (config.persist_mode === "async") {
    warning("confirms letters before they are on disk (`persist_mode: async`)", "create one without it");
  }
  return findings;
}

function limitsOf({
  max_msgs,
  max_bytes,
  max_msgs_per_subject,
  discard,
  discard_new_per_subject,
}: StreamInfo["config"]): ReadonlyArray<{ setting: string; value: number; discardsNew: boolean }> {
  const discardsNew = discard === "new";
  const perSubject = discardsNew && discard_new_per_subject;
  return [
    { setting: "max_msgs", value: max_msgs, discardsNew },
    { setting: "max_bytes", value: max_bytes, discardsNew },
    { setting: "max_msgs_per_subject", value: max_msgs_per_subject, discardsNew: perSubject },
  ];
}

function isFull(limit: number, used: number): boolean {
  return limit > 0 && used >= limit;
}

interface Destination {
  readonly name: string;
  readonly manager: JetStreamManager;
  readonly info: StreamInfo | "unknown";
}

/** Returns the stream that stores a subject; `unknown` without the permission to ask. */
async function findStream(
  jetstream: DeadLetterOptions["jetstream"],
  subject: string,
): Promise<Destination | "unknown" | undefined> {
  try {
    const manager = await jetstream.jetstreamManager(false);
    const [name] = await manager.streams.names(subject).next();
    if (name === undefined) return undefined;
    const info = await manager.streams.info(name).catch(() => "unknown" as const);
    return { name, manager, info };
  } catch {
    return "unknown";
  }
}

async function findInterest({ manager, name, info }: Destination, subject: string): Promise<Interest> {
  if (info === "unknown") return "unknown";
  if (info.state.consumer_count === 0) return false;
  try {
    for await (const { config } of manager.consumers.list(name)) {
      const filters = config.filter_subjects ?? (config.filter_subject === undefined ? [">"] : [config.filter_subject]);
      if (filters.some((filter) => subjectMatches(filter, subject))) return true;
    }
    return false;
  } catch {
    return "unknown";
  }
}
