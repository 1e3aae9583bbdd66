import { Help } from "commander";
import { span } from "../../inspect/conclusions/duration.ts";
import { type LeaseClock, suspicionWords } from "../../inspect/conclusions/suspicion.ts";
import { amount } from "../../internal/counted.ts";
import type { DispatchFailure } from "../../model/failure.ts";
import { stateColours, suspicionColours } from "../stored-keys/key-table.ts";
import type { CommittedKey, ReservedKey } from "../stored-keys/stored-key.ts";
import { suspicionAbout, verdictAbout } from "../stored-keys/verdict.ts";
import type { Paint } from "../terminal/paint.ts";
import { escaped } from "../terminal/printable.ts";
import { type LookUpResult, stateOf } from "./look-up-result.ts";

type Rows = ReadonlyArray<readonly [label: string, value: string]>;

export interface CardLook {
  readonly paint: Paint;
  readonly columns: number;
  /** True if the fingerprint and the result are shown. */
  readonly hasPayload: boolean;
}

const INDENT = "  ";
/** Maximum width of a line, in columns. */
const MAX_WIDTH = 100;

/** Formats everything known about an event: first the explanation, then the record. */
export function keyCard(found: LookUpResult, now: LeaseClock, { paint, columns, hasPayload }: CardLook): string {
  const state = stateOf(found);
  const { identity, stored } = found;
  const name = identity === undefined ? [] : [escaped(identity.subscriptionId), escaped(identity.eventId)];
  const rows = [...identityRows(found), ...rowsOf(found, now.nowMs, hasPayload)];
  const width = Math.max(0, ...rows.map(([label]) => label.length));
  const paragraphs = [verdictAbout(stored, now).explanation, ...suspicionParagraphs(found, now, paint)];
  return [
    [paint(stateColours[state], `● ${state}`), ...name].join("  "),
    "",
    ...paragraphs.flatMap((text) => [...indented(text, columns), ""]),
    ...rows.map(([label, value]) => `${INDENT}${paint("dim", label.padEnd(width))}  ${value}`),
    "",
  ].join("\n");
}

function suspicionParagraphs({ stored }: LookUpResult, now: LeaseClock, paint: Paint): readonly string[] {
  const suspicion = stored?.state === "reserved" ? suspicionAbout(stored, now) : undefined;
  if (suspicion === undefined) return [];
  const { title, advice, severity } = suspicionWords[suspicion];
  return [`${paint(suspicionColours[severity], `! ${title}.`)} ${advice}`];
}

function indented(text: string, columns: number): readonly string[] {
  return new Help()
    .boxWrap(text, Math.min(columns, MAX_WIDTH) - INDENT.length)
    .split("\n")
    .map((line) => INDENT + line);
}

function identityRows({ identity, isAnyWorkspace }: LookUpResult): Rows {
  if (identity === undefined) return [];
  const { workspaceId, subscriptionId, eventId, key, storeKey } = identity;
  return [
    ["workspace", isAnyWorkspace ? "any" : escaped(workspaceId)],
    ["subscription", escaped(subscriptionId)],
    ["event", escaped(eventId)],
    ["dedup key", key],
    ...(isAnyWorkspace ? [] : [["store key", storeKey] as const]),
  ];
}

function rowsOf({ stored }: LookUpResult, serverMs: number, hasPayload: boolean): Rows {
  if (stored === undefined) return [];
  const bucket = ["bucket", stored.bucket] as const;
  const written = ["written", moment(stored.storedAtMs, serverMs)] as const;
  const revision = ["revision", String(stored.revision)] as const;
  switch (stored.state) {
    case "removed":
      return [bucket, revision, written];
    case "failed": {
      const { owner, attempt, fence, error } = stored.failure;
      const remembered = ["forgotten", end(stored.endsAtMs, serverMs)] as const;
      return [
        bucket,
        ...dispatchRows({ owner, attempt, fence }),
        revision,
        written,
        ["last error", escaped(error)],
        remembered,
      ];
    }
    case "unreadable":
      return [
        bucket,
        ["subject", escaped(stored.subject)],
        revision,
        written,
        ["removed", end(stored.endsAtMs, serverMs)],
      ];
    case "reserved":
      return [
        bucket,
        ...recordRows(stored),
        revision,
        written,
        ...leaseRows(stored, serverMs),
        ...payloadRows(stored, hasPayload),
      ];
    case "committed": {
      const window = ["window ends", end(stored.endsAtMs, serverMs)] as const;
      return [bucket, ...recordRows(stored), revision, written, window, ...payloadRows(stored, hasPayload)];
    }
  }
}

function recordRows({ record: { owner, attempt, tookOverFrom }, fence }: ReservedKey | CommittedKey): Rows {
  const takeover: Rows =
    tookOverFrom === undefined ? [] : [["took over", `from fence ${tookOverFrom}, whose holder did not finish`]];
  return [...dispatchRows({ owner, attempt, fence }), ...takeover];
}

function dispatchRows({ owner, attempt, fence }: Pick<DispatchFailure, "owner" | "attempt" | "fence">): Rows {
  return [
    ["owner", escaped(owner)],
    ["attempt", String(attempt)],
    ["fence", String(fence)],
  ];
}

function leaseRows({ record, leaseEndsAtMs, heldSinceMs, endsAtMs }: ReservedKey, serverMs: number): Rows {
  return [
    ["held since", moment(heldSinceMs, serverMs)],
    ["lease", `${span(record.leaseMs)}, ends ${end(leaseEndsAtMs, serverMs)}`],
    ["expires", end(endsAtMs, serverMs)],
  ];
}

function payloadRows({ record }: ReservedKey | CommittedKey, hasPayload: boolean): Rows {
  const { fingerprint } = record;
  const result = record.state === "committed" ? record.result : undefined;
  const stored = result === undefined ? undefined : JSON.stringify(result);
  return [
    ["fingerprint", fingerprint === undefined ? "none" : hasPayload ? escaped(fingerprint) : "stored"],
    [
      "result",
      stored === undefined
        ? "none"
        : hasPayload
          ? escaped(stored)
          : `stored, ${amount(Buffer.byteLength(stored))} bytes`,
    ],
  ];
}

function moment(atMs: number, serverMs: number): string {
  return `${instant(atMs)}, ${span(serverMs - atMs)} ago`;
}

/** Latest time that a `Date` can hold. A foreign record can claim a later end. */
const LAST_MS = 8.64e15;

function end(atMs: number | undefined, serverMs: number): string {
  if (atMs === undefined || atMs > LAST_MS) return "never";
  return atMs > serverMs ? `${instant(atMs)}, in ${span(atMs - serverMs)}` : moment(atMs, serverMs);
}

/** Formats a time: `2026-11-24 13:44:02 UTC`. */
function instant(atMs: number): string {
  return `${new Date(atMs).toISOString().slice(0, 19).replace("T", " ")} UTC`;
}
