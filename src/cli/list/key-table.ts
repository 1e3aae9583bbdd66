import { DEFAULT_WORKSPACE } from "../../model/identity.ts";
import { type StoredKey, sinceMs } from "../bucket/stored-key.ts";
import { type Colour, harmless, type Paint, span } from "../terminal/style.ts";
import { type Cell, type Column, tableText } from "../terminal/table.ts";

export const stateColours = {
  unseen: "blue",
  reserved: "yellow",
  committed: "green",
  unreadable: "red",
} as const satisfies Record<StoredKey["state"] | "unseen", Colour>;

interface Row {
  readonly kept: StoredKey;
  readonly serverMs: number;
}

interface KeyColumn extends Column<Row> {
  /** Whether it tells anything of these keys; always if missing. */
  readonly isNeeded?: (keys: readonly StoredKey[]) => boolean;
}

const columns: readonly KeyColumn[] = [
  { title: "STATE", align: "left", cell: ({ kept: { state } }) => ({ text: state, colour: stateColours[state] }) },
  {
    title: "BUCKET",
    align: "left",
    cell: ({ kept: { bucket } }) => ({ text: bucket }),
    isNeeded: (keys) => keys.some(({ bucket }) => bucket !== keys[0]?.bucket),
  },
  {
    title: "WORKSPACE",
    align: "left",
    isFlexible: true,
    cell: ({ kept }) => ({ text: workspaceOf(kept) }),
    isNeeded: (keys) => keys.some((kept) => workspaceOf(kept) !== DEFAULT_WORKSPACE && kept.state !== "unreadable"),
  },
  {
    title: "SUBSCRIPTION",
    align: "left",
    isFlexible: true,
    cell: ({ kept }) => ({ text: kept.state === "unreadable" ? "" : harmless(kept.identity.subscriptionId) }),
  },
  { title: "EVENT", align: "left", isFlexible: true, cell: ({ kept }) => ({ text: eventOf(kept) }) },
  {
    title: "OWNER",
    align: "left",
    isFlexible: true,
    cell: ({ kept }) => ({ text: kept.state === "unreadable" ? "" : harmless(kept.record.owner) }),
  },
  { title: "TRY", align: "right", cell: attemptCell },
  { title: "SINCE", align: "right", cell: ({ kept, serverMs }) => ({ text: span(serverMs - sinceMs(kept)) }) },
  { title: "LEFT", align: "right", cell: leftCell },
];

/** Keys as a table for a person; `width` is that of the terminal. */
export function keyTable(
  keys: readonly StoredKey[],
  serverMs: number,
  how: { readonly paint: Paint; readonly width?: number },
): string {
  const needed = columns.filter(({ isNeeded }) => isNeeded?.(keys) ?? true);
  return tableText(
    needed,
    keys.map((kept) => ({ kept, serverMs })),
    how,
  );
}

function workspaceOf(kept: StoredKey): string {
  return kept.state === "unreadable" ? "" : harmless(kept.identity.workspaceId);
}

/** What names it best where its event is not known. */
function eventOf(kept: StoredKey): string {
  return kept.state === "unreadable" ? (kept.key ?? harmless(kept.subject)) : harmless(kept.identity.eventId);
}

function attemptCell({ kept }: Row): Cell {
  if (kept.state === "unreadable") return { text: "" };
  const { attempt } = kept.record;
  return { text: String(attempt), ...(attempt > 1 ? { colour: "yellow" } : {}) };
}

/** Of the lease, or of the window. */
function leftCell({ kept, serverMs }: Row): Cell {
  const endsAtMs = kept.state === "reserved" ? kept.leaseEndsAtMs : kept.endsAtMs;
  if (endsAtMs === undefined) return { text: "never ends", colour: "red" };
  return endsAtMs > serverMs ? { text: span(endsAtMs - serverMs) } : { text: "over", colour: "red" };
}
