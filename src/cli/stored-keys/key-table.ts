import { DEFAULT_WORKSPACE } from "../../model/identity.ts";
import { span } from "../terminal/format.ts";
import type { Colour, Paint } from "../terminal/paint.ts";
import { escaped } from "../terminal/printable.ts";
import { type Cell, type Column, tableText } from "../terminal/table.ts";
import { type StoredKey, sinceMs } from "./stored-key.ts";

export const stateColours = {
  unseen: "blue",
  reserved: "yellow",
  committed: "green",
  unreadable: "red",
} as const satisfies Record<StoredKey["state"] | "unseen", Colour>;

interface Row {
  readonly stored: StoredKey;
  readonly serverMs: number;
}

interface KeyColumn extends Column<Row> {
  /** Returns true if the column adds information about these keys. Missing means always. */
  readonly isNeeded?: (keys: readonly StoredKey[]) => boolean;
}

const columns: readonly KeyColumn[] = [
  { title: "STATE", align: "left", cell: ({ stored: { state } }) => ({ text: state, colour: stateColours[state] }) },
  {
    title: "BUCKET",
    align: "left",
    cell: ({ stored: { bucket } }) => ({ text: bucket }),
    isNeeded: (keys) => keys.some(({ bucket }) => bucket !== keys[0]?.bucket),
  },
  {
    title: "WORKSPACE",
    align: "left",
    isFlexible: true,
    cell: ({ stored }) => ({ text: workspaceOf(stored) }),
    isNeeded: (keys) =>
      keys.some((stored) => workspaceOf(stored) !== DEFAULT_WORKSPACE && stored.state !== "unreadable"),
  },
  {
    title: "SUBSCRIPTION",
    align: "left",
    isFlexible: true,
    cell: ({ stored }) => ({ text: stored.state === "unreadable" ? "" : escaped(stored.identity.subscriptionId) }),
  },
  { title: "EVENT", align: "left", isFlexible: true, cell: ({ stored }) => ({ text: eventOf(stored) }) },
  {
    title: "OWNER",
    align: "left",
    isFlexible: true,
    cell: ({ stored }) => ({ text: stored.state === "unreadable" ? "" : escaped(stored.record.owner) }),
  },
  { title: "TRY", align: "right", cell: attemptCell },
  { title: "SINCE", align: "right", cell: ({ stored, serverMs }) => ({ text: span(serverMs - sinceMs(stored)) }) },
  { title: "LEFT", align: "right", cell: leftCell },
];

/** Formats keys as a table that fits `width` if possible. */
export function keyTable(
  keys: readonly StoredKey[],
  serverMs: number,
  how: { readonly paint: Paint; readonly width?: number },
): string {
  const needed = columns.filter(({ isNeeded }) => isNeeded?.(keys) ?? true);
  return tableText(
    needed,
    keys.map((stored) => ({ stored, serverMs })),
    how,
  );
}

function workspaceOf(stored: StoredKey): string {
  return stored.state === "unreadable" ? "" : escaped(stored.identity.workspaceId);
}

/** Returns the event id, or the best available name of an unreadable key. */
function eventOf(stored: StoredKey): string {
  return stored.state === "unreadable" ? (stored.key ?? escaped(stored.subject)) : escaped(stored.identity.eventId);
}

function attemptCell({ stored }: Row): Cell {
  if (stored.state === "unreadable") return { text: "" };
  const { attempt } = stored.record;
  return { text: String(attempt), ...(attempt > 1 ? { colour: "yellow" } : {}) };
}

/** Shows the remaining lease or window. */
function leftCell({ stored, serverMs }: Row): Cell {
  const endsAtMs = stored.state === "reserved" ? stored.leaseEndsAtMs : stored.endsAtMs;
  if (endsAtMs === undefined) return { text: "unlimited", colour: "red" };
  return endsAtMs > serverMs ? { text: span(endsAtMs - serverMs) } : { text: "ended", colour: "red" };
}
