import type { StoredMsg } from "@nats-io/jetstream";
import type { MsgHdrs } from "@nats-io/nats-core";
import { parseWholeNumber } from "../../internal/whole-number.ts";
import { type DeadLetter, isDeadLetterReason } from "../../model/dead-letter.ts";
import { identityIn, letterHeaders } from "./letter-headers.ts";

/** Reads a stored message as a dead letter. Returns `undefined` for a message that Latchkey did not write. */
export function letterOf(message: StoredMsg): DeadLetter | undefined {
  const header = headerOf(message);
  if (header === undefined) return undefined;
  const { seq, data, time } = message;
  const text = (name: string): string => header.get(name);
  const reason = text(letterHeaders.reason);
  const subject = text(letterHeaders.originalSubject);
  const stream = text(letterHeaders.originalStream);
  const sequence = parseWholeNumber(text(letterHeaders.originalSequence));
  if (!isDeadLetterReason(reason) || subject === "" || stream === "" || sequence === undefined) return undefined;
  const identity = identityIn(header);
  const commitRevision = parseWholeNumber(text(letterHeaders.commitRevision));
  const omittedBytes = parseWholeNumber(text(letterHeaders.omittedBytes));
  return {
    sequence: seq,
    storedAtMs: time.getTime(),
    reason,
    error: text(letterHeaders.error),
    consumer: text(letterHeaders.consumer),
    deliveries: parseWholeNumber(text(letterHeaders.deliveries)) ?? 0,
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
