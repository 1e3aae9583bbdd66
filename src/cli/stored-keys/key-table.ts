import { Help } from "commander";
import { span } from "../../inspect/conclusions/duration.ts";
import { type LeaseClock, SUSPICIONS, type Suspicion, suspicionWords } from "../../inspect/conclusions/suspicion.ts";
import { DEFAULT_WORKSPACE } from "../../model/identity.ts";
import type { Colour, Paint } from "../terminal/paint.ts";
import { escaped } from "../terminal/printable.ts";
import { type Cell, type Column, tableText } from "../terminal/table.ts";
import { shortKeys } from "./short-key.ts";
import { dispatchOf, type ListedKey, sinceMs } from "./stored-key.ts";
import { suspicionAbout } from "./verdict.ts";

export const stateColours = {
  unseen: "blue",
  reserved: "yellow",
  committed: "green",
  unreadable: "red",
  failed: "red",
} as const satisfies Record<ListedKey["state"] | "unseen", Colour>;

export const suspicionColours = { warning: "yellow", error: "red" } as const satisfies Record<string, Colour>;

interface Row {
  readonly stored: ListedKey;
  readonly suspicion: Suspicion | undefined;
  readonly shortKey: string;
}

interface KeyColumn extends Column<Row> {
  /** Returns true if the column adds information about these keys. Missing means always. */
  readonly isNeeded?: (keys: readonly ListedKey[]) => boolean;
}

function columnsAt(nowMs: number): readonly KeyColumn[] {
  return [
    { title: "STATE", align: "left", isCollapsible: true, cell: stateCell },
    { title: "KEY", align: "left", cell: ({ shortKey }) => ({ text: shortKey }) },
    {
      title: "BUCKET",
      align: "left",
      isFlexible: true,
      leaveOut: 2,
      cell: ({ stored: { bucket } }) => ({ text: bucket }),
      isNeeded: (keys) => keys.some(({ bucket }) => bucket !== keys[0]?.bucket),
    },
    {
      title: "WORKSPACE",
      align: "left",
      isFlexible: true,
      isCollapsible: true,
      leaveOut: 4,
      cell: ({ stored }) => ({ text: workspaceOf(stored) }),
      isNeeded: (keys) =>
        keys.some((stored) => workspaceOf(stored) !== DEFAULT_WORKSPACE && stored.state !== "unreadable"),
    },
    {
      title: "SUBSCRIPTION",
      align: "left",
      isFlexible: true,
      isCollapsible: true,
      cell: ({ stored }) => ({ text: stored.state === "unreadable" ? "" : escaped(stored.identity.subscriptionId) }),
    },
    { title: "EVENT", align: "left", isFlexible: true, cell: ({ stored }) => ({ text: keyEventText(stored) }) },
    {
      title: "OWNER",
      align: "left",
      isFlexible: true,
      isCollapsible: true,
      leaveOut: 6,
      cell: ({ stored }) => ({ text: escaped(dispatchOf(stored)?.owner ?? "") }),
    },
    { title: "TRY", align: "right", isCollapsible: true, leaveOut: 3, cell: attemptCell },
    {
      title: "TOOK OVER",
      align: "right",
      leaveOut: 0,
      cell: ({ stored }) => ({ text: String(tookOverFrom(stored) ?? "") }),
      isNeeded: (keys) => keys.some((stored) => tookOverFrom(stored) !== undefined),
    },
    { title: "SINCE", align: "right", leaveOut: 5, cell: ({ stored }) => ({ text: span(nowMs - sinceMs(stored)) }) },
    {
      title: "LEFT",
      align: "right",
      leaveOut: 1,
      cell: ({ stored }) => leftCell(stored, nowMs),
      isNeeded: (keys) => keys.some(({ state }) => state !== "failed"),
    },
    {
      title: "ERROR",
      align: "left",
      isFlexible: true,
      cell: ({ stored }) => ({ text: stored.state === "failed" ? escaped(stored.failure.error) : "" }),
      isNeeded: (keys) => keys.some(({ state }) => state === "failed"),
    },
  ];
}

/** Formats keys as a table that fits `width` if possible, and explains the suspicions in it. */
export function keyTable(
  keys: readonly ListedKey[],
  now: LeaseClock,
  { paint, width }: { readonly paint: Paint; readonly width?: number },
): string {
  const columns = columnsAt(now.nowMs).filter(({ isNeeded }) => isNeeded?.(keys) ?? true);
  const short = shortKeys(keys);
  const rows = keys.map((stored) => ({
    stored,
    suspicion: suspicionAbout(stored, now),
    shortKey: short.get(stored) ?? "",
  }));
  const table = tableText(columns, rows, { paint, ...(width === undefined ? {} : { width }) });
  return table + legend(new Set(rows.map(({ suspicion }) => suspicion)), paint, width);
}

/** Explains each suspicion of the table. */
function legend(found: ReadonlySet<Suspicion | undefined>, paint: Paint, width = MAX_WIDTH): string {
  const lines = SUSPICIONS.filter((suspicion) => found.has(suspicion)).map((suspicion) => {
    const { title, advice, severity } = suspicionWords[suspicion];
    const text = new Help().boxWrap(`${title}. ${advice}`, Math.min(width, MAX_WIDTH) - LEGEND_INDENT);
    return `${paint(suspicionColours[severity], suspicion.padEnd(LEGEND_INDENT))}${text.replaceAll("\n", `\n${" ".repeat(LEGEND_INDENT)}`)}\n`;
  });
  return lines.length === 0 ? "" : `\n${lines.join("")}`;
}

const MAX_WIDTH = 100;
const LEGEND_INDENT = Math.max(...SUSPICIONS.map(({ length }) => length)) + 2;

function stateCell({ stored: { state }, suspicion }: Row): Cell {
  if (suspicion === undefined) return { text: state, colour: stateColours[state] };
  return { text: suspicion, colour: suspicionColours[suspicionWords[suspicion].severity] };
}

function workspaceOf(stored: ListedKey): string {
  return stored.state === "unreadable" ? "" : escaped(stored.identity.workspaceId);
}

/** Returns the event id, or the best available name of an unreadable key. */
function keyEventText(stored: ListedKey): string {
  return stored.state === "unreadable" ? (stored.key ?? escaped(stored.subject)) : escaped(stored.identity.eventId);
}

function attemptCell({ stored }: Row): Cell {
  const { attempt = 0 } = dispatchOf(stored) ?? {};
  return { text: attempt === 0 ? "" : String(attempt), ...(attempt > 1 ? { colour: "yellow" } : {}) };
}

function tookOverFrom(stored: ListedKey): number | undefined {
  return stored.state === "reserved" || stored.state === "committed" ? stored.record.tookOverFrom : undefined;
}

/** Shows the remaining lease or window. */
function leftCell(stored: ListedKey, nowMs: number): Cell {
  const endsAtMs = stored.state === "reserved" ? stored.leaseEndsAtMs : stored.endsAtMs;
  if (endsAtMs === undefined) return { text: "unlimited", colour: "red" };
  return endsAtMs > nowMs ? { text: span(endsAtMs - nowMs) } : { text: "ended", colour: "red" };
}
