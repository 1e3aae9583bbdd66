import type { ConsumerConfig, JetStreamClient } from "@nats-io/jetstream";
import { headers, type MsgHdrs } from "@nats-io/nats-core";
import type { DeadLetterReason } from "../../../machines/delivery.ts";
import type { DedupKey } from "../../model/identity.ts";
import type { ReceivedMessage } from "./identify.ts";
import { headersOf } from "./message-headers.ts";
import { type ConsumerFinding, finding } from "./start-up-check.ts";

/** Where messages go that cannot be dispatched. */
export interface DeadLetterOptions {
  /** A subject that a stream stores, other than the consumer's own. */
  readonly subject: string;
  /** Publishes them; `jetstream(connection)`. */
  readonly jetstream: JetStreamClient;
}

/** Why a message becomes a dead letter. */
export interface DeadLetter {
  readonly reason: DeadLetterReason;
  readonly consumer: string;
  readonly key: DedupKey | undefined;
  readonly error: unknown;
}

/** Resolves when a stream has stored the message as a dead letter. */
export async function publishDeadLetter(
  { subject, jetstream }: DeadLetterOptions,
  message: ReceivedMessage,
  letter: DeadLetter,
): Promise<void> {
  // No `msgID`: a letter stored twice can be recognised by its sequence, one that the server took for a duplicate is lost.
  await jetstream.publish(subject, message.data, { headers: deadLetterHeaders(message, letter) });
}

const ORIGINAL = "Latchkey-Original-";

/**
 * The message's own headers, and why it is dead. Those that would steer the publishing (`Nats-Msg-Id` and its like) are kept
 * under `Latchkey-Original-`.
 */
export function deadLetterHeaders(message: ReceivedMessage, letter: DeadLetter): MsgHdrs {
  const all = headers();
  const own = headersOf(message);
  if (own === "unreadable") all.set(`${ORIGINAL}Headers`, own);
  for (const [name, values] of own === "unreadable" ? [] : (own ?? [])) {
    for (const value of values) all.append(/^nats-/i.test(name) ? ORIGINAL + name : name, value);
  }
  const { stream, deliveryCount } = message.info;
  const why: Readonly<Record<string, string>> = {
    "Latchkey-Reason": letter.reason,
    "Latchkey-Error": oneLine(letter.error),
    "Latchkey-Key": letter.key ?? "",
    "Latchkey-Consumer": letter.consumer,
    "Latchkey-Deliveries": String(deliveryCount),
    [`${ORIGINAL}Subject`]: message.subject,
    [`${ORIGINAL}Stream`]: stream,
    [`${ORIGINAL}Sequence`]: String(message.seq),
    [`${ORIGINAL}Time`]: message.timestamp,
  };
  for (const [name, value] of Object.entries(why)) {
    if (value === "") all.delete(name);
    else all.set(name, value);
  }
  return all;
}

/** Why a message was terminated, in the words of the server's advisory. */
export function terminationReason(reason: DeadLetterReason, error: unknown): string {
  const words = oneLine(error);
  return words === "" ? reason : `${reason}: ${words}`;
}

const LONGEST_LINE = 200;

/** What an error says, in printable ASCII on one line. */
function oneLine(error: unknown): string {
  const said = error instanceof Error ? error.message || error.name : typeof error === "string" ? error : "";
  const line = said
    .replaceAll(/\s+/g, " ")
    .replaceAll(/[^ -~]/gu, "?")
    .trim();
  return line.length > LONGEST_LINE ? `${line.slice(0, LONGEST_LINE - 3)}...` : line;
}

/** Looks whether a stream stores the dead letters, and whether they would come back to the consumer itself. */
export async function checkDeadLetters(
  { subject, jetstream }: DeadLetterOptions,
  stream: string,
  config: ConsumerConfig,
): Promise<readonly ConsumerFinding[]> {
  const setting = "deadLetter";
  const destination = await streamOf(jetstream, subject);
  if (destination === "unknown") {
    const problem = `it could not be found out whether a stream stores \`${subject}\``;
    return [finding("warning", setting, problem, "make sure that one does: dead letters need it")];
  }
  if (destination === undefined) {
    const problem = `no stream stores \`${subject}\`, so that dead letters cannot be kept`;
    return [finding("error", setting, problem, "add the subject to a stream")];
  }
  const isFiltered = config.filter_subject !== undefined || config.filter_subjects !== undefined;
  if (destination.name !== stream || isFiltered) return [];
  const problem = `dead letters for \`${subject}\` are stored in \`${stream}\`, all of which this consumer reads`;
  return [finding("error", setting, problem, "use another stream, or a filter")];
}

/** Asking needs a permission that publishing does not. */
async function streamOf(
  jetstream: JetStreamClient,
  subject: string,
): Promise<{ readonly name: string } | "unknown" | undefined> {
  try {
    const manager = await jetstream.jetstreamManager(false);
    const [name] = await manager.streams.names(subject).next();
    return name === undefined ? undefined : { name };
  } catch {
    return "unknown";
  }
}
