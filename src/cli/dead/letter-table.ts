import { span } from "../../inspect/conclusions/duration.ts";
import type { DeadLetter } from "../../model/dead-letter.ts";
import { DEFAULT_WORKSPACE } from "../../model/identity.ts";
import type { Paint } from "../terminal/paint.ts";
import { escaped } from "../terminal/printable.ts";
import { type Column, tableText } from "../terminal/table.ts";

interface LetterColumn extends Column<DeadLetter> {
  /** Returns true if the column adds information about these letters. Missing means always. */
  readonly isNeeded?: (letters: readonly DeadLetter[]) => boolean;
}

function columnsAt(nowMs: number): readonly LetterColumn[] {
  return [
    { title: "LETTER", align: "right", cell: ({ sequence }) => ({ text: String(sequence) }) },
    { title: "REASON", align: "left", isCollapsible: true, cell: ({ reason }) => ({ text: reason, colour: "red" }) },
    {
      title: "WORKSPACE",
      align: "left",
      isFlexible: true,
      isCollapsible: true,
      leaveOut: 3,
      cell: ({ identity }) => ({ text: escaped(identity?.workspaceId ?? "") }),
      isNeeded: (letters) =>
        letters.some(({ identity }) => (identity?.workspaceId ?? DEFAULT_WORKSPACE) !== DEFAULT_WORKSPACE),
    },
    {
      title: "SUBSCRIPTION",
      align: "left",
      isFlexible: true,
      isCollapsible: true,
      cell: ({ identity, consumer }) => ({ text: escaped(identity?.subscriptionId ?? consumer) }),
    },
    { title: "EVENT", align: "left", isFlexible: true, cell: (letter) => ({ text: escaped(letterEventText(letter)) }) },
    {
      title: "ERROR",
      align: "left",
      isFlexible: true,
      isCollapsible: true,
      leaveOut: 4,
      cell: ({ error }) => ({ text: escaped(error) }),
    },
    {
      title: "TRIES",
      align: "right",
      isCollapsible: true,
      leaveOut: 1,
      cell: ({ deliveries }) => ({ text: String(deliveries) }),
    },
    { title: "AGE", align: "right", leaveOut: 2, cell: ({ storedAtMs }) => ({ text: span(nowMs - storedAtMs) }) },
  ];
}

/** Formats letters as a table that fits `width` if possible. */
export function letterTable(
  letters: readonly DeadLetter[],
  nowMs: number,
  how: { readonly paint: Paint; readonly width?: number },
): string {
  const columns = columnsAt(nowMs).filter(({ isNeeded }) => isNeeded?.(letters) ?? true);
  return tableText(columns, letters, how);
}

/** Returns the event id, or the place of a message without an identity. */
export function letterEventText({ identity, original }: DeadLetter): string {
  return identity?.eventId ?? `${original.stream} #${original.sequence}`;
}
