import type { StoredMsg } from "@nats-io/jetstream";
import type { MsgHdrs } from "@nats-io/nats-core";
import type { DeadLetterReason } from "../../../machines/delivery.ts";
import type { DeadLetter } from "../../model/dead-letter.ts";
import { identityIn, letterHeaders } from "./letter-headers.ts";

const REASONS: Readonly<Record<DeadLetterReason, true>> = {
  unidentifiable: true,
  "permanent-error": true,
  "max-deliver": true,
  "fingerprint-mismatch": true,
  "identity-too-long": true,
  "last-delivery": true,
};

/** Reads a stored message as a dead letter. Returns `undefined` for a message that Latchkey did not write. */
export function letterOf(message: StoredMsg): DeadLetter | undefined {
  const header = headerOf(message);
  if (header === undefined) return undefined;
  const { seq, data, time } = message;
  const text = (name: string): string => header.get(name);
  const reason = text(letterHeaders.reason);
  const subject = text(letterHeaders.originalSubject);
  const stream = text(letterHeaders.originalStream);
  const sequence = wholeNumber(text(letterHeaders.originalSequence));
  if (!isReason(reason) || subject === "" || stream === "" || sequence === undefined) return undefined;
  const identity = identityIn(header);
  const commitRevision = wholeNumber(text(letterHeaders.commitRevision));
  const omittedBytes = wholeNumber(text(letterHeaders.omittedBytes));
  return {
    sequence: seq,
    storedAtMs: time.getTime(),
    reason,
    error: text(letterHeaders.error),
    consumer: text(letterHeaders.consumer),
    deliveries: wholeNumber(text(letterHeaders.deliveries)) ?? 0,
    ...(identity === undefined ? {} : { identity }),
    ...(commitRevision === undefined ? {} : { commitRevision }),
    original: { subject, stream, sequence, time: text(letterHeaders.originalTime) },
    bytes: omittedBytes ?? data.length,
    hasBody: omittedBytes === undefined,
  };
}

/** Returns the headers. The client throws on some that servers accept; Latchkey writes none of those. */
function headerOf(message: StoredMsg): MsgHdrs | undefined {
  try {
    return message.header;
  } catch {
    return undefined;
  }
}

function isReason(text: string): text is DeadLetterReason {
  return Object.hasOwn(REASONS, text);
}

function wholeNumber(text: string): number | undefined {
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  return Number.isSafeInteger(value) ? value : undefined;
}
