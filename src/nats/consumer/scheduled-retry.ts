import type { JetStreamClient, StreamConfig } from "@nats-io/jetstream";
import { type MsgHdrs, millis } from "@nats-io/nats-core";
import { objectWith, wholeNumber } from "../../internal/validate.ts";
import { attemptHeaders, redrivenHeaders } from "../dead-letters/letter-headers.ts";
import { apiCodeOf, apiCodes } from "../wire/error-codes.ts";
import { publishableSubject } from "../wire/subject.ts";
import { subjectMatches } from "../wire/subject-pattern.ts";
import { type ConsumerFinding, finding } from "./consumer-finding.ts";
import { headersOf, type ReceivedMessage } from "./received-message.ts";

/** How retries after a long pause are scheduled in the stream, so that they do not count towards `max_ack_pending`. */
export interface ScheduledRetriesOptions {
  /**
   * Beginning of the subjects of scheduled copies, `<subject>.<sequence>`. The consumer's stream captures them, and no consumer reads
   * them.
   */
  readonly subject: string;
  /** The client that publishes the copies, such as `jetstream(connection)`. */
  readonly jetstream: Pick<JetStreamClient, "publish" | "jetstreamManager">;
  /** Pauses of at least this length are scheduled, in milliseconds, at least 1,000. @default 60_000 */
  readonly afterMs?: number;
}

export type ScheduledRetries = Required<ScheduledRetriesOptions>;

/** What earlier copies of a message went through. */
export interface EarlierAttempts {
  readonly failures: number;
  readonly deliveries: number;
}

const DEFAULT_AFTER_MS = 60_000;
const MIN_AFTER_MS = 1_000;
/** Headers that the server adds to a message of a schedule, under their names in the next copy. */
const OF_SCHEDULES = ["Nats-Scheduler", "Nats-Schedule-Next"].map((name) => `Latchkey-Original-${name}`);

/** Fills in defaults. @throws {TypeError | RangeError} naming the first invalid field. */
export function resolveScheduledRetries(options: ScheduledRetriesOptions): ScheduledRetries {
  objectWith("scheduledRetries", options);
  const subject = publishableSubject("scheduledRetries.subject", options.subject);
  const { jetstream, afterMs = DEFAULT_AFTER_MS } = options;
  objectWith("scheduledRetries.jetstream", jetstream, "publish", "jetstreamManager");
  return { subject, jetstream, afterMs: wholeNumber("scheduledRetries.afterMs", afterMs, MIN_AFTER_MS) };
}

/** Returns the failures and deliveries of the copies before this message. A message that was never scheduled has none. */
export function earlierAttempts(message: ReceivedMessage): EarlierAttempts {
  const fields = headersOf(message);
  return {
    failures: countIn(fields, attemptHeaders.failures),
    deliveries: countIn(fields, attemptHeaders.deliveries),
  };
}

function countIn(fields: ReturnType<typeof headersOf>, name: string): number {
  if (fields === undefined || fields === "unreadable") return 0;
  const value = fields.get(name);
  return /^\d{1,9}$/.test(value) ? Number(value) : 0;
}

/**
 * Publishes a copy that the server puts under the message's subject at `atMs`, in milliseconds since 1970. Resolves once the stream has
 * stored it; a repetition finds it stored. The copy has the identity of the message, and counts its attempts.
 */
export async function scheduleRetry(
  { subject, jetstream }: ScheduledRetries,
  message: ReceivedMessage,
  atMs: number,
  earlier: EarlierAttempts,
): Promise<void> {
  const own = headersOf(message);
  if (own === "unreadable") throw new TypeError("The headers of the message cannot be read, so it cannot be copied");
  const expect = { streamName: message.info.stream, lastSubjectSequence: 0 };
  try {
    await jetstream.publish(`${subject}.${message.seq}`, message.data, {
      headers: copyHeaders(own, message.subject, atMs, earlier),
      expect,
    });
  } catch (error) {
    if (apiCodeOf(error) !== apiCodes.wrongLastSequence) throw error;
  }
}

function copyHeaders(
  own: MsgHdrs | undefined,
  target: string,
  atMs: number,
  { failures, deliveries }: EarlierAttempts,
): MsgHdrs {
  // `Nats-Msg-Id` gets a prefix: within the duplicate window, the server would take the copy for a duplicate and drop it.
  const all = redrivenHeaders(own);
  for (const name of OF_SCHEDULES) all.delete(name);
  all.set("Nats-Schedule", `@at ${new Date(atMs).toISOString()}`);
  all.set("Nats-Schedule-Target", target);
  all.set(attemptHeaders.failures, String(failures));
  all.set(attemptHeaders.deliveries, String(deliveries));
  return all;
}

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
