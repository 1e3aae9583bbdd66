import stringWidth from "string-width";
import type { Colour, Paint } from "./paint.ts";
import { shortened } from "./shortening.ts";

export interface Cell {
  readonly text: string;
  readonly colour?: Colour;
}

export interface Column<Row> {
  readonly title: string;
  readonly align: "left" | "right";
  /** True if the column may be shortened in a narrow terminal. */
  readonly isFlexible?: boolean;
  /** True if a value that all rows share is printed once, below the table. */
  readonly isCollapsible?: boolean;
  /** Position in the order in which columns are left out of a narrow terminal. Missing means never. */
  readonly leaveOut?: number;
  readonly cell: (row: Row) => Cell;
}

/** Minimum width of a shortened column. */
const MIN_WIDTH = 8;
const GAP = "  ";

interface LaidOut<Row> {
  readonly column: Column<Row>;
  readonly texts: readonly string[];
  width: number;
}

/**
 * Formats rows under column titles. To fit `width`, shortens flexible columns, and leaves out others. Different values of a column stay
 * different; if that is impossible, a line below the table says so.
 */
export function tableText<Row>(
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  { paint, width = Number.POSITIVE_INFINITY }: { readonly paint: Paint; readonly width?: number },
): string {
  const constant = rows.length < 2 ? [] : columns.filter((column) => isConstant(column, rows));
  const all = columns.filter((column) => !constant.includes(column)).map((column) => laidOut(column, rows));
  const { shown, leftOut } = withoutExcess(all, width);
  const cells = shown.map((one) => ({ ...one, cut: shortened(one.texts, one.width) }));
  const line = (cellIn: (one: (typeof cells)[number]) => Cell): string =>
    `${cells
      .map((one) => cellText(cellIn(one), one, paint))
      .join(GAP)
      .trimEnd()}\n`;
  const alike = cells.filter(({ cut }) => !cut.isDistinct).map(({ column }) => column.title);
  const notes = [
    constantNote(constant, rows[0]),
    leftOut.length === 0 ? "" : `This terminal is too narrow for ${listed(leftOut)}.`,
    alike.length === 0 ? "" : `Some values of ${listed(alike)} look alike at this width; --json prints them in full.`,
  ].filter((note) => note !== "");
  return [
    line(({ column, width: wide }) => ({ text: clipped(column.title, wide), colour: "dim" })),
    ...rows.map((row) =>
      line(({ column, cut }) => {
        const cell = column.cell(row);
        return { ...cell, text: cut.texts.get(cell.text) ?? cell.text };
      }),
    ),
    ...notes.map((note) => `${paint("dim", note)}\n`),
  ].join("");
}

function isConstant<Row>({ isCollapsible, cell }: Column<Row>, rows: readonly Row[]): boolean {
  const [first, ...others] = rows;
  if (isCollapsible !== true || first === undefined) return false;
  const { text } = cell(first);
  return others.every((row) => cell(row).text === text);
}

function constantNote<Row>(columns: readonly Column<Row>[], row: Row | undefined): string {
  const values = columns.flatMap(({ title, cell }) => {
    const text = row === undefined ? "" : cell(row).text;
    return text === "" ? [] : [`${title} ${text}`];
  });
  return values.length === 0 ? "" : `All rows: ${values.join(", ")}`;
}

function laidOut<Row>(column: Column<Row>, rows: readonly Row[]): LaidOut<Row> {
  const texts = rows.map((row) => column.cell(row).text);
  return { column, texts, width: Math.max(...[column.title, ...texts].map((text) => stringWidth(text))) };
}

/** Returns a small width at which different texts stay different. Searches by halving, because wider is rarely worse. */
function distinctWidth(texts: readonly string[], natural: number): number {
  let [low, high] = [Math.min(MIN_WIDTH, natural), natural];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (shortened(texts, middle).isDistinct) high = middle;
    else low = middle + 1;
  }
  return high;
}

/** Leaves out columns until the rest fits with different values, and narrows what remains. */
function withoutExcess<Row>(
  all: readonly LaidOut<Row>[],
  width: number,
): { readonly shown: readonly LaidOut<Row>[]; readonly leftOut: readonly string[] } {
  if (sum(all, (one) => one.width) <= width) return { shown: all, leftOut: [] };
  const needed = new Map(
    all.map((one) => [one, one.column.isFlexible === true ? distinctWidth(one.texts, one.width) : one.width]),
  );
  const neededBy = (one: LaidOut<Row>): number => needed.get(one) ?? one.width;
  const order = all
    .filter(({ column }) => column.leaveOut !== undefined)
    .toSorted((one, other) => Number(one.column.leaveOut) - Number(other.column.leaveOut));
  let shown = all;
  const leftOut: string[] = [];
  for (const next of order) {
    if (sum(shown, neededBy) <= width) break;
    shown = shown.filter((one) => one !== next);
    leftOut.push(next.column.title);
  }
  narrow(shown, width, neededBy);
  narrow(shown, width, () => MIN_WIDTH);
  return { shown, leftOut };
}

/** Narrows the widest flexible columns until the table fits, but none below its minimum. */
function narrow<Row>(columns: readonly LaidOut<Row>[], width: number, minOf: (one: LaidOut<Row>) => number): void {
  for (let excess = sum(columns, (one) => one.width) - width; excess > 0; excess -= 1) {
    const [widest] = columns
      .filter((one) => one.column.isFlexible === true && one.width > minOf(one))
      .toSorted((one, other) => other.width - one.width);
    if (widest === undefined) return;
    widest.width -= 1;
  }
}

function sum<Row>(columns: readonly LaidOut<Row>[], widthOf: (one: LaidOut<Row>) => number): number {
  return columns.reduce((total, one) => total + widthOf(one), GAP.length * (columns.length - 1));
}

function cellText<Row>({ text, colour }: Cell, { column, width }: LaidOut<Row>, paint: Paint): string {
  const space = " ".repeat(Math.max(0, width - stringWidth(text)));
  const painted = colour === undefined ? text : paint(colour, text);
  return column.align === "left" ? painted + space : space + painted;
}

function clipped(title: string, width: number): string {
  return title.length <= width ? title : `${title.slice(0, width - 1)}…`;
}

function listed(names: readonly string[]): string {
  return new Intl.ListFormat("en").format(names);
}
