import type { JetStreamClient } from "@nats-io/jetstream";
import type { MsgHdrs } from "@nats-io/nats-core";
import { objectWith, wholeNumber } from "../../internal/validate.ts";
import { attemptHeaders, headerValues, redrivenHeaders } from "../dead-letters/letter-headers.ts";
import { apiCodeOf, apiCodes } from "../wire/error-codes.ts";
import { publishableSubject } from "../wire/subject.ts";
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
  const [value = ""] = headerValues(fields, name);
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
