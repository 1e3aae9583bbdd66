import type { History } from "../../history/history.ts";
import { guaranteeNames } from "../judge/guarantee-names.ts";
import { brokenAt, type Moment, momentsUpTo } from "./moments.ts";
import type { Broken } from "./run.ts";

/** What is longer is cut in a lane, and wrapped below one. */
const WIDEST_LANE = 46;
const WIDEST_LINE = 110;
const GAP = "  ";
const MARGIN = " ".repeat(7 + GAP.length);
const STORE = "store";

/**
 * A run as text: a row for each thing that happened, a lane for each process and one for the store; and below the row that shows
 * it, what was broken first. Ends there.
 */
export function drawLanes(history: History, broken: readonly Broken[]): string {
  const moments = momentsUpTo(history, broken);
  const shown = withoutRepetitions(moments);
  const lanes = [...lanesIn(moments), STORE];
  const rows = shown.map(({ moment, repetitions }) => ({ moment, repetitions, cells: cellsOf(moment, lanes) }));
  const widths = lanes.map((lane, index) =>
    Math.max(lane.length, ...rows.map(({ cells }) => cells[index]?.length ?? 0)),
  );
  const row = (number: string, ms: string, cells: readonly string[]): string =>
    [number.padStart(7), ms.padStart(7), ...cells.map((cell, index) => cell.padEnd(widths[index] ?? 0))]
      .join(GAP)
      .trimEnd();
  let beforeMs = -1;
  const lines = rows.flatMap(({ moment, repetitions, cells }) => {
    const { first, last, atMs } = moment;
    const ms = atMs === beforeMs ? "" : String(Math.round(atMs));
    beforeMs = atMs;
    return [
      row(first === last ? `${first}` : `${first}-${last}`, ms, cells),
      ...(repetitions === 0 ? [] : [`${MARGIN}… and the same again, ${repetitions} times`]),
      ...brokenAt(moment, broken).flatMap(saidOfBroken),
    ];
  });
  return [row("line", "ms", lanes), ...lines].join("\n");
}

/** What was broken, in lines that are not too long. */
export function saidOfBroken({ guarantee, why }: Broken): readonly string[] {
  const name = guarantee === "holds" ? guaranteeNames.holds : `${guarantee} ${guaranteeNames[guarantee]}`;
  const said = `✗ ${name}: ${why}`.split("\n").filter((text) => text.trim() !== "");
  const lines = said.flatMap((text) => wrapped(text, WIDEST_LINE - MARGIN.length));
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

/** A process that takes the place of another has its lane. */
function laneOf(process: string): string {
  return process.replace(/'+$/, "");
}

/** The processes that do something, in the order of their names. */
function lanesIn(moments: readonly Moment[]): readonly string[] {
  const doing = moments.filter(({ kind }) => kind === "delivered" || kind === "asked" || kind === "did");
  return [...new Set(doing.map(({ process }) => laneOf(process)))].sort();
}

/** What has no lane of its own, as time, happens to all processes. */
function cellsOf(moment: Moment, lanes: readonly string[]): readonly string[] {
  const own = laneOf(moment.process);
  const isEverybodys = !lanes.includes(own);
  return lanes.map((lane) => {
    if (lane === STORE && moment.held !== undefined) return cut(moment.held);
    const isHere = moment.kind !== "held" && (lane === own || (isEverybodys && lane !== STORE));
    return isHere ? cut(textOf(moment)) : "";
  });
}

function textOf({ kind, process, text, answer }: Moment): string {
  switch (kind) {
    case "delivered":
      return `◂ ${text}${process.endsWith("'") ? ` (${process})` : ""}`;
    case "answered":
      return `▸ ${text}`;
    case "asked":
      return answer === undefined ? `${text} …` : `${text} → ${answer}`;
    case "told":
      return `… ${text} → ${answer ?? ""}`;
    case "did":
    case "settled":
    case "held":
      return text;
    case "went wrong":
      return `↯ ${text}`;
  }
}

function cut(text: string): string {
  return text.length > WIDEST_LANE ? `${text.slice(0, WIDEST_LANE - 1)}…` : text;
}

/** A moment, and how often what ends with it came again. */
interface Shown {
  readonly moment: Moment;
  readonly repetitions: number;
}

/** Without the deliveries that went just as the one before, if there are several. */
function withoutRepetitions(moments: readonly Moment[]): readonly Shown[] {
  const shown: Shown[] = [];
  for (let index = 0; index < moments.length; ) {
    const delivery = deliveryAt(moments, index);
    let next = index + delivery.length;
    let repetitions = 0;
    while (delivery.length > 1 && isSame(delivery, deliveryAt(moments, next))) {
      next += delivery.length;
      repetitions += 1;
    }
    if (repetitions < 2) [next, repetitions] = [index + delivery.length, 0];
    shown.push(
      ...delivery.map((moment, at) => ({ moment, repetitions: at === delivery.length - 1 ? repetitions : 0 })),
    );
    index = next;
  }
  return shown;
}

/** All that a process did with a delivery, if nothing else happened meanwhile; or a single moment. */
function deliveryAt(moments: readonly Moment[], from: number): readonly Moment[] {
  const first = moments[from];
  if (first === undefined) return [];
  const length =
    moments.slice(from).findIndex(({ kind, process }) => kind === "answered" || process !== first.process) + 1;
  const delivery = moments.slice(from, from + length);
  return first.kind === "delivered" && delivery.at(-1)?.kind === "answered" ? delivery : [first];
}

function isSame(one: readonly Moment[], other: readonly Moment[]): boolean {
  const said = ({ process, kind, text, answer }: Moment): string =>
    `${process} ${kind === "delivered" ? "" : text} ${answer ?? ""}`;
  return one.length === other.length && one.every((moment, index) => said(moment) === said(other[index] ?? moment));
}
