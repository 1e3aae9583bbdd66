import type { JetStreamClient } from "@nats-io/jetstream";
import { headers, type MsgHdrs } from "@nats-io/nats-core";
import type { DeadLetterReason, LetterContent } from "../../../machines/delivery.ts";
import { FingerprintMismatchError } from "../../errors.ts";
import { errorMessage } from "../../internal/error-message.ts";
import type { ResolvedIdentity } from "../../model/identity.ts";
import { identityHeaders, letterHeaders, nameInLetter, ownHeaders } from "../dead-letters/letter-headers.ts";
import { headersOf, type ReceivedMessage } from "./received-message.ts";

/** Destination of messages that cannot be dispatched. */
export interface DeadLetterOptions {
  /** A subject that a stream stores, and that the consumer itself does not read. */
  readonly subject: string;
  /** The client that publishes dead letters, such as `jetstream(connection)`. */
  readonly jetstream: Pick<JetStreamClient, "publish" | "jetstreamManager">;
}

/** Why a message becomes a dead letter. */
export interface DeadLetterCause {
  readonly reason: DeadLetterReason;
  readonly consumer: string;
  readonly identity: ResolvedIdentity | undefined;
  readonly error: unknown;
  readonly content: LetterContent;
}

/** Publishes a message as a dead letter. Resolves once a stream has stored it. */
export async function publishDeadLetter(
  { subject, jetstream }: DeadLetterOptions,
  message: ReceivedMessage,
  letter: DeadLetterCause,
): Promise<void> {
  // Without `msgID`: the server drops what it takes for a duplicate. A letter stored twice shows the same original sequence.
  const body = letter.content === "whole" ? message.data : new Uint8Array();
  await jetstream.publish(subject, body, { headers: deadLetterHeaders(message, letter) });
}

/**
 * Returns the headers that say why the message is a dead letter. A whole letter also has the message's own headers. Those that the
 * server would act on, such as `Nats-Msg-Id`, get the prefix `Latchkey-Original-`.
 */
export function deadLetterHeaders(message: ReceivedMessage, letter: DeadLetterCause): MsgHdrs {
  const isWhole = letter.content === "whole";
  const all = isWhole ? originalHeaders(message) : headers();
  const { error, identity } = letter;
  const { stream, deliveryCount } = message.info;
  const why: Readonly<Record<string, string>> = {
    ...(identity === undefined ? {} : shortEnough(identityHeaders(identity), isWhole)),
    [letterHeaders.reason]: letter.reason,
    [letterHeaders.error]: oneLine(error),
    [letterHeaders.omittedBytes]: isWhole ? "" : String(message.data.length),
    [letterHeaders.consumer]: letter.consumer,
    [letterHeaders.deliveries]: String(deliveryCount),
    [letterHeaders.commitRevision]: String(
      (error instanceof FingerprintMismatchError ? error.commitRevision : "") ?? "",
    ),
    [letterHeaders.originalSubject]: message.subject,
    [letterHeaders.originalStream]: stream,
    [letterHeaders.originalSequence]: String(message.seq),
    [letterHeaders.originalTime]: message.timestamp,
    [letterHeaders.originalHeaders]: headersOf(message) === "unreadable" ? "unreadable" : "",
  };
  for (const [name, value] of Object.entries(why)) {
    if (value !== "") all.set(name, value);
  }
  return all;
}

function originalHeaders(message: ReceivedMessage): MsgHdrs {
  const all = headers();
  const own = headersOf(message);
  for (const [name, values] of own === "unreadable" ? [] : (own ?? [])) {
    for (const value of values) all.append(nameInLetter(name), value);
  }
  // A message can be a dead letter that was published again.
  for (const name of ownHeaders) all.delete(name);
  return all;
}

/** Size up to which the identity is part of a letter without a body: such a letter must fit. */
const MAX_IDENTITY_LENGTH = 4_096;

function shortEnough(identity: Readonly<Record<string, string>>, isWhole: boolean): Readonly<Record<string, string>> {
  return isWhole || Object.values(identity).join("").length <= MAX_IDENTITY_LENGTH ? identity : {};
}

/** Returns the reason for the server's advisory about a terminated message. */
export function terminationReason(reason: DeadLetterReason, error: unknown): string {
  const message = oneLine(error);
  return message === "" ? reason : `${reason}: ${message}`;
}

/** Characters of an error in a termination reason, which is part of one line of the server's advisory and of each listing. */
const LONGEST_LINE = 200;

/** Returns an error's message as one line of printable ASCII. */
function oneLine(error: unknown): string {
  const message = error instanceof Error || typeof error === "string" ? errorMessage(error) : "";
  const line = message
    .replaceAll(/\s+/g, " ")
    .replaceAll(/[^ -~]/gu, "?")
    .trim();
  return line.length > LONGEST_LINE ? `${line.slice(0, LONGEST_LINE - 3)}...` : line;
}
