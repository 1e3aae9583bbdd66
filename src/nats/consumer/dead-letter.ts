import type { JetStreamClient } from "@nats-io/jetstream";
import { headers, type MsgHdrs } from "@nats-io/nats-core";
import type { DeadLetterReason } from "../../../machines/delivery.ts";
import type { DedupKey } from "../../model/identity.ts";
import { headersOf, type ReceivedMessage } from "./received-message.ts";

/** Destination of messages that cannot be dispatched. */
export interface DeadLetterOptions {
  /** A subject that a stream stores, and that the consumer itself does not read. */
  readonly subject: string;
  /** The client that publishes dead letters, such as `jetstream(connection)`. */
  readonly jetstream: JetStreamClient;
}

/** Why a message becomes a dead letter. */
export interface DeadLetter {
  readonly reason: DeadLetterReason;
  readonly consumer: string;
  readonly key: DedupKey | undefined;
  readonly error: unknown;
}

/** Publishes a message as a dead letter. Resolves once a stream has stored it. */
export async function publishDeadLetter(
  { subject, jetstream }: DeadLetterOptions,
  message: ReceivedMessage,
  letter: DeadLetter,
): Promise<void> {
  // Without `msgID`: the server drops what it takes for a duplicate. A letter stored twice shows the same original sequence.
  await jetstream.publish(subject, message.data, { headers: deadLetterHeaders(message, letter) });
}

const ORIGINAL = "Latchkey-Original-";

/**
 * Returns the message's own headers and those that say why it is a dead letter. Headers that the server would act on, such as
 * `Nats-Msg-Id`, get the prefix `Latchkey-Original-`.
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

/** Returns the reason for the server's advisory about a terminated message. */
export function terminationReason(reason: DeadLetterReason, error: unknown): string {
  const message = oneLine(error);
  return message === "" ? reason : `${reason}: ${message}`;
}

const LONGEST_LINE = 200;

/** Returns an error's message as one line of printable ASCII. */
function oneLine(error: unknown): string {
  const message = error instanceof Error ? error.message || error.name : typeof error === "string" ? error : "";
  const line = message
    .replaceAll(/\s+/g, " ")
    .replaceAll(/[^ -~]/gu, "?")
    .trim();
  return line.length > LONGEST_LINE ? `${line.slice(0, LONGEST_LINE - 3)}...` : line;
}
