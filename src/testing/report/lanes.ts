import type { History } from "../../history/history.ts";
import { type ReportRow, rowsUpTo, violationsAt } from "./rows.ts";
import { type RunViolation, titleOf } from "./run-violation.ts";

/** Longer texts are cut in a lane, and wrapped below the lanes. */
const WIDEST_LANE = 46;
const WIDEST_LINE = 110;
const GAP = "  ";
const MARGIN = " ".repeat(7 + GAP.length);
const STORE = "store";

/**
 * Draws a run as text, up to its first violation. Each step has a row; each process and the store have a lane. The violation follows
 * the row that shows it.
 */
export function drawLanes(history: History, violations: readonly RunViolation[]): string {
  const all = rowsUpTo(history, violations);
  const lanes = [...lanesIn(all), STORE];
  const rows = withoutRepetitions(all).map(({ row, repetitions }) => ({
    row,
    repetitions,
    cells: cellsOf(row, lanes),
  }));
  const widths = lanes.map((lane, index) =>
    Math.max(lane.length, ...rows.map(({ cells }) => cells[index]?.length ?? 0)),
  );
  const draw = (number: string, ms: string, cells: readonly string[]): string =>
    [number.padStart(7), ms.padStart(7), ...cells.map((cell, index) => cell.padEnd(widths[index] ?? 0))]
      .join(GAP)
      .trimEnd();
  let beforeMs = -1;
  const lines = rows.flatMap(({ row, repetitions, cells }) => {
    const { first, last, atMs } = row;
    const ms = atMs === beforeMs ? "" : String(Math.round(atMs));
    beforeMs = atMs;
    return [
      draw(first === last ? `${first}` : `${first}-${last}`, ms, cells),
      ...(repetitions === 0 ? [] : [`${MARGIN}… and the same again, ${repetitions} times`]),
      ...violationsAt(row, violations).flatMap(describeViolation),
    ];
  });
  return [draw("line", "ms", lanes), ...lines].join("\n");
}

/** Describes a violation in wrapped and indented lines. */
export function describeViolation(violation: RunViolation): readonly string[] {
  const texts = `✗ ${titleOf(violation)}: ${violation.why}`.split("\n").filter((text) => text.trim() !== "");
  const lines = texts.flatMap((text) => wrapped(text, WIDEST_LINE - MARGIN.length));
  return lines.map((line, index) => (index === 0 ? `${MARGIN}${line}` : `${MARGIN}  ${line}`));
}

function wrapped(text: string, width: number): readonly string[] {
  const lines: string[] = [];
  for (const word of text.split(" ")) {
    const last = lines.at(-1);
    if (last === undefined || last.length + word.length >= width) lines.push(word);
    else lines[lines.length - 1] = `${last} ${word}`;
  }
  return lines;
}

/** A process that replaces another one uses the same lane. */
function laneOf(process: string): string {
  return process.replace(/'+$/, "");
}

/** The lanes of the processes that do something, in the order of their names. */
function lanesIn(rows: readonly ReportRow[]): readonly string[] {
  const active = rows.filter(({ kind }) => kind === "delivered" || kind === "requested" || kind === "effect");
  return [...new Set(active.map(({ process }) => laneOf(process)))].sort();
}

/** A row without a lane, such as a clock jump, is shown in the lane of every process. */
function cellsOf(row: ReportRow, lanes: readonly string[]): readonly string[] {
  const own = laneOf(row.process);
  const isForAll = !lanes.includes(own);
  return lanes.map((lane) => {
    if (lane === STORE && row.stored !== undefined) return cut(row.stored);
    const isHere = row.kind !== "stored" && (lane === own || (isForAll && lane !== STORE));
    return isHere ? cut(laneText(row)) : "";
  });
}

/** Returns the text of a row in its lane. */
export function laneText({ kind, process, text, response }: ReportRow): string {
  switch (kind) {
    case "delivered":
      return `◂ ${text}${process.endsWith("'") ? ` (${process})` : ""}`;
    case "answered":
      return `▸ ${text}`;
    case "requested":
      return response === undefined ? `${text} …` : `${text} → ${response}`;
    case "responded":
      return `… ${text} → ${response ?? ""}`;
    case "effect":
    case "settled":
    case "stored":
      return text;
    case "fault":
      return `↯ ${text}`;
  }
}

function cut(text: string): string {
  return text.length > WIDEST_LANE ? `${text.slice(0, WIDEST_LANE - 1)}…` : text;
}

/** A row, and how often the delivery that ends with it was repeated. */
interface ShownRow {
  readonly row: ReportRow;
  readonly repetitions: number;
}

/** Leaves out deliveries that went exactly as the one before, if there are several. */
function withoutRepetitions(rows: readonly ReportRow[]): readonly ShownRow[] {
  const shown: ShownRow[] = [];
  for (let index = 0; index < rows.length; ) {
    const delivery = deliveryAt(rows, index);
    let next = index + delivery.length;
    let repetitions = 0;
    while (delivery.length > 1 && isSame(delivery, deliveryAt(rows, next))) {
      next += delivery.length;
      repetitions += 1;
    }
    if (repetitions < 2) [next, repetitions] = [index + delivery.length, 0];
    shown.push(...delivery.map((row, at) => ({ row, repetitions: at === delivery.length - 1 ? repetitions : 0 })));
    index = next;
  }
  return shown;
}

/** Returns all rows of a delivery, if no other process did anything before its answer; otherwise a single row. */
function deliveryAt(rows: readonly ReportRow[], from: number): readonly ReportRow[] {
  const first = rows[from];
  if (first === undefined) return [];
  const length =
    rows.slice(from).findIndex(({ kind, process }) => kind === "answered" || process !== first.process) + 1;
  const delivery = rows.slice(from, from + length);
  return first.kind === "delivered" && delivery.at(-1)?.kind === "answered" ? delivery : [first];
}

function isSame(one: readonly ReportRow[], other: readonly ReportRow[]): boolean {
  const describe = ({ process, kind, text, response }: ReportRow): string =>
    `${process} ${kind === "delivered" ? "" : text} ${response ?? ""}`;
  return one.length === other.length && one.every((row, index) => describe(row) === describe(other[index] ?? row));
}
