import { DEFAULT_WORKSPACE } from "../../key.ts";
import { type KeptKey, sinceMs } from "../bucket/kept-key.ts";
import { type Colour, harmless, type Paint, span } from "../style.ts";
import { type Cell, type Column, tableText } from "../table.ts";

export const stateColours = {
  unseen: "blue",
  reserved: "yellow",
  committed: "green",
  unreadable: "red",
} as const satisfies Record<KeptKey["state"] | "unseen", Colour>;

const columns = {
  state: { title: "STATE", align: "left" },
  workspace: { title: "WORKSPACE", align: "left", isFlexible: true },
  subscription: { title: "SUBSCRIPTION", align: "left", isFlexible: true },
  event: { title: "EVENT", align: "left", isFlexible: true },
  owner: { title: "OWNER", align: "left", isFlexible: true },
  attempt: { title: "TRY", align: "right" },
  age: { title: "SINCE", align: "right" },
  left: { title: "LEFT", align: "right" },
} as const satisfies Record<string, Column>;

type Row = Readonly<Record<keyof typeof columns, Cell>>;

/** Keys as a table for a person; `width` is that of the terminal. */
export function keyTable(
  keys: readonly KeptKey[],
  serverMs: number,
  how: { readonly paint: Paint; readonly width?: number },
): string {
  const rows = keys.map((kept) => rowOf(kept, serverMs));
  const names = namesOf(columns).filter((name) => name !== "workspace" || rows.some(isElsewhere));
  return tableText(
    names.map((name) => columns[name]),
    rows.map((row) => names.map((name) => row[name])),
    how,
  );
}

function isElsewhere({ workspace }: Row): boolean {
  return workspace.text !== DEFAULT_WORKSPACE && workspace.text !== "";
}

function namesOf<Name extends string>(of: Readonly<Record<Name, unknown>>): Name[] {
  const isName = (name: string): name is Name => name in of;
  return Object.keys(of).filter(isName);
}

const NONE: Cell = { text: "" };

function rowOf(kept: KeptKey, serverMs: number): Row {
  const state = { text: kept.state, colour: stateColours[kept.state] };
  if (kept.state === "unreadable") {
    const age = { text: span(serverMs - sinceMs(kept)) };
    const event = { text: kept.key ?? harmless(kept.subject) };
    return {
      state,
      workspace: NONE,
      subscription: NONE,
      event,
      owner: NONE,
      attempt: NONE,
      age,
      left: leftOf(kept, serverMs),
    };
  }
  const { identity, record } = kept;
  return {
    state,
    workspace: { text: harmless(identity.workspaceId) },
    subscription: { text: harmless(identity.subscriptionId) },
    event: { text: harmless(identity.eventId) },
    owner: { text: harmless(record.owner) },
    attempt: { text: String(record.attempt), ...(record.attempt > 1 ? { colour: "yellow" } : {}) },
    age: { text: span(serverMs - sinceMs(kept)) },
    left: leftOf(kept, serverMs),
  };
}

/** Of the lease, or of the window. */
function leftOf(kept: KeptKey, serverMs: number): Cell {
  const endsAtMs = kept.state === "reserved" ? kept.leaseEndsAtMs : kept.endsAtMs;
  if (endsAtMs === undefined) return { text: "never ends", colour: "red" };
  return endsAtMs > serverMs ? { text: span(endsAtMs - serverMs) } : { text: "over", colour: "red" };
}
