import { span } from "../../inspect/conclusions/duration.ts";
import { amount } from "../../internal/counted.ts";
import type { DeadLetter } from "../../model/dead-letter.ts";
import type { Paint } from "../terminal/paint.ts";
import { escaped } from "../terminal/printable.ts";
import { letterEventText } from "./letter-table.ts";

/** Body and headers of a letter, as text. */
export interface LetterPayload {
  readonly headers: ReadonlyArray<readonly [name: string, value: string]>;
  readonly body: string;
}

const REASONS: Readonly<Record<DeadLetter["reason"], string>> = {
  unidentifiable: "The message has no readable identity.",
  "permanent-error": "The dispatch failed with an error that no retry can cure.",
  "max-deliver": "The dispatch failed too often.",
  "fingerprint-mismatch": "The event arrived before with another payload.",
  "identity-too-long": "The id of the event is longer than the store accepts.",
  "last-delivery": "The server's last delivery ended before the message could be dispatched.",
};

/** Formats everything known about a letter. */
export function letterCard(letter: DeadLetter, nowMs: number, paint: Paint, content?: LetterPayload): string {
  const { sequence, reason, error, consumer, deliveries, identity, commitRevision, original, bytes, hasBody } = letter;
  const rows: ReadonlyArray<readonly [label: string, value: string]> = [
    ...(error === "" ? [] : [["error", escaped(error)] as const]),
    ["stored", `${new Date(letter.storedAtMs).toISOString()}, ${span(nowMs - letter.storedAtMs)} ago`],
    ...(identity === undefined
      ? []
      : ([
          ["workspace", escaped(identity.workspaceId)],
          ["subscription", escaped(identity.subscriptionId)],
          ["event", escaped(identity.eventId)],
          ["dedup key", identity.key],
          ["store key", identity.storeKey],
        ] as const)),
    ...(commitRevision === undefined ? [] : [["conflicts with", `the commit at revision ${commitRevision}`] as const]),
    ["consumer", escaped(consumer)],
    ["deliveries", String(deliveries)],
    ["original", `${escaped(original.subject)}, number ${original.sequence} of stream ${escaped(original.stream)}`],
    ["published", escaped(original.time)],
    ["body", `${amount(bytes)} bytes${hasBody ? "" : ", not in the letter: a redrive reads them from the stream"}`],
    ...(content === undefined ? [] : contentRows(content)),
  ];
  const width = Math.max(...rows.map(([label]) => label.length));
  return [
    `${paint("red", `● letter ${sequence}`)}  ${reason}  ${escaped(letterEventText(letter))}`,
    "",
    `  ${REASONS[reason]}`,
    "",
    ...rows.map(([label, value]) => `  ${paint("dim", label.padEnd(width))}  ${value}`),
    "",
  ].join("\n");
}

function contentRows({ headers, body }: LetterPayload): ReadonlyArray<readonly [label: string, value: string]> {
  return [
    ...headers.map(([name, value]) => ["header", escaped(`${name}: ${value}`)] as const),
    ["payload", escaped(body)],
  ];
}
