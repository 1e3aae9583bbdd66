import { Help } from "commander";
import type { CommittedKey, ReservedKey } from "../bucket/stored-key.ts";
import { stateColours } from "../list/key-table.ts";
import { amount, harmless, type Paint, span } from "../terminal/style.ts";
import { type Found, stateOf } from "./found.ts";
import { verdictOf, verdictText } from "./verdict.ts";

type Rows = ReadonlyArray<readonly [label: string, value: string]>;

export interface CardLook {
  readonly paint: Paint;
  readonly columns: number;
  /** Whether the fingerprint and what the handler returned are shown. */
  readonly hasPayload: boolean;
}

const INDENT = "  ";
/** Longer lines are hard to read. */
const WIDEST = 100;

/** All that is known of an event, for a person: first what becomes of its deliveries, and why. */
export function keyCard(found: Found, serverMs: number, { paint, columns, hasPayload }: CardLook): string {
  const state = stateOf(found);
  const { identity } = found;
  const name = identity === undefined ? [] : [harmless(identity.subscriptionId), harmless(identity.eventId)];
  const verdict = verdictText(verdictOf(found.kept, serverMs));
  const rows = [...identityRows(found), ...rowsOf(found, serverMs, hasPayload)];
  const width = Math.max(0, ...rows.map(([label]) => label.length));
  return [
    [paint(stateColours[state], `● ${state}`), ...name].join("  "),
    "",
    ...new Help()
      .boxWrap(verdict, Math.min(columns, WIDEST) - INDENT.length)
      .split("\n")
      .map((line) => INDENT + line),
    "",
    ...rows.map(([label, value]) => `${INDENT}${paint("dim", label.padEnd(width))}  ${value}`),
    "",
  ].join("\n");
}

function identityRows({ identity, isAnyWorkspace }: Found): Rows {
  if (identity === undefined) return [];
  const { workspaceId, subscriptionId, eventId, key, storeKey } = identity;
  return [
    ["workspace", isAnyWorkspace ? "any" : harmless(workspaceId)],
    ["subscription", harmless(subscriptionId)],
    ["event", harmless(eventId)],
    ["dedup key", key],
    ...(isAnyWorkspace ? [] : [["store key", storeKey] as const]),
  ];
}

function rowsOf({ kept }: Found, serverMs: number, hasPayload: boolean): Rows {
  if (kept === undefined) return [];
  const bucket = ["bucket", kept.bucket] as const;
  const written = ["written", moment(kept.storedAtMs, serverMs)] as const;
  const revision = ["revision", String(kept.revision)] as const;
  switch (kept.state) {
    case "removed":
      return [bucket, revision, written];
    case "unreadable":
      return [bucket, ["subject", harmless(kept.subject)], revision, written, ["gone", end(kept.endsAtMs, serverMs)]];
    case "reserved":
      return [
        bucket,
        ...recordRows(kept),
        revision,
        written,
        ...leaseRows(kept, serverMs),
        ...payloadRows(kept, hasPayload),
      ];
    case "committed": {
      const window = ["window ends", end(kept.endsAtMs, serverMs)] as const;
      return [bucket, ...recordRows(kept), revision, written, window, ...payloadRows(kept, hasPayload)];
    }
  }
}

function recordRows({ record, fence }: ReservedKey | CommittedKey): Rows {
  return [
    ["owner", harmless(record.owner)],
    ["attempt", String(record.attempt)],
    ["fence", String(fence)],
  ];
}

function leaseRows({ record, leaseEndsAtMs, heldSinceMs, endsAtMs }: ReservedKey, serverMs: number): Rows {
  return [
    ["held since", `${moment(heldSinceMs, serverMs)}, or longer`],
    ["lease", `${span(record.leaseMs)}, ends ${end(leaseEndsAtMs, serverMs)}`],
    ["freed", end(endsAtMs, serverMs)],
  ];
}

function payloadRows({ record }: ReservedKey | CommittedKey, hasPayload: boolean): Rows {
  const { fingerprint } = record;
  const result = record.state === "committed" ? record.result : undefined;
  const kept = result === undefined ? undefined : JSON.stringify(result);
  return [
    ["fingerprint", fingerprint === undefined ? "none" : hasPayload ? harmless(fingerprint) : "kept"],
    [
      "result",
      kept === undefined ? "none" : hasPayload ? harmless(kept) : `kept, ${amount(Buffer.byteLength(kept))} bytes`,
    ],
  ];
}

function moment(atMs: number, serverMs: number): string {
  return `${instant(atMs)}, ${span(serverMs - atMs)} ago`;
}

/** The last moment that a `Date` can hold; what somebody has written may end later. */
const LAST_MS = 8.64e15;

function end(atMs: number | undefined, serverMs: number): string {
  if (atMs === undefined || atMs > LAST_MS) return "never";
  return atMs > serverMs ? `${instant(atMs)}, in ${span(atMs - serverMs)}` : moment(atMs, serverMs);
}

/** `2026-11-24 13:44:02 UTC` */
function instant(atMs: number): string {
  return `${new Date(atMs).toISOString().slice(0, 19).replace("T", " ")} UTC`;
}
