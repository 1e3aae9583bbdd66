import type { History } from "../../history/history.ts";
import { describeViolation } from "./lanes.ts";
import { type ReportRow, rowsUpTo, violationsAt } from "./rows.ts";
import type { RunViolation } from "./run-violation.ts";

const BROKER = "b";
const STORE = "s";

/** Draws a run as a Mermaid `sequenceDiagram`, up to its first violation. */
export function drawSequence(history: History, violations: readonly RunViolation[]): string {
  const rows = rowsUpTo(history, violations);
  const active = rows.filter(({ kind }) => kind === "delivered" || kind === "requested" || kind === "effect");
  const ids = new Map(
    [...new Set(active.map(({ process }) => process))].map((process, index) => [process, `p${index}`]),
  );
  const participants: readonly (readonly [id: string, name: string])[] = [
    [BROKER, "broker"],
    ...[...ids].map(([process, id]) => [id, process] as const),
    [STORE, "store"],
  ];
  const lines = rows.flatMap((row) => [
    ...arrowsOf(row, ids.get(row.process)),
    ...violationsAt(row, violations).map((violation) =>
      noteOver(`${BROKER},${STORE}`, describeViolation(violation).join(" ").replaceAll(/\s+/g, " ").trim()),
    ),
  ]);
  return [
    "sequenceDiagram",
    ...participants.map(([id, name]) => `  participant ${id} as ${escaped(name)}`),
    ...lines.map((line) => `  ${line}`),
    "",
  ].join("\n");
}

function arrowsOf({ kind, text, response, stored }: ReportRow, process: string | undefined): readonly string[] {
  if (kind === "stored") return [noteOver(STORE, stored ?? "")];
  if (process === undefined) return [noteOver(`${BROKER},${STORE}`, text)];
  const notes = stored === undefined ? [] : [noteOver(STORE, stored)];
  switch (kind) {
    case "delivered":
      return [arrow(BROKER, "->>", process, text)];
    case "answered":
      return [arrow(process, "->>", BROKER, text)];
    case "requested":
      return [
        arrow(process, "->>", STORE, text),
        ...notes,
        ...(response === undefined ? [] : [arrow(STORE, "-->>", process, response)]),
      ];
    case "responded":
      return [arrow(STORE, "-->>", process, `${text}: ${response ?? ""}`)];
    case "effect":
    case "fault":
    case "settled":
      return [noteOver(process, text)];
  }
}

function arrow(from: string, how: string, to: string, text: string): string {
  return `${from}${how}${to}: ${escaped(text)}`;
}

function noteOver(participants: string, text: string): string {
  return `Note over ${participants}: ${escaped(text)}`;
}

/** Escapes the characters that Mermaid reads as syntax. */
function escaped(text: string): string {
  return text.replaceAll(/[#;<>{}\n]/g, (character) => `#${character.charCodeAt(0)};`);
}
