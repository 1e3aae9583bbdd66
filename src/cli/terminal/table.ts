import stringWidth from "string-width";
import type { Colour, Paint } from "./style.ts";

export interface Cell {
  readonly text: string;
  readonly colour?: Colour;
}

export interface Column<Row> {
  readonly title: string;
  readonly align: "left" | "right";
  /** Whether it may be cut where the table is too wide. */
  readonly isFlexible?: boolean;
  readonly cell: (row: Row) => Cell;
}

/** How narrow a column is cut at most. */
const NARROWEST = 8;
const GAP = "  ";

/** Rows under titles, as wide as they are or, where `width` is given, no wider than that if it can be. */
export function tableText<Row>(
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  { paint, width = Number.POSITIVE_INFINITY }: { readonly paint: Paint; readonly width?: number },
): string {
  const laidOut = columns.map((column) => {
    const texts = [column.title, ...rows.map((row) => column.cell(row).text)];
    return { column, width: Math.max(...texts.map((text) => stringWidth(text))) };
  });
  narrow(laidOut, width);
  const line = (cellIn: (column: Column<Row>) => Cell): string =>
    `${laidOut
      .map(({ column, width: wide }) => cellText(cellIn(column), column.align, wide, paint))
      .join(GAP)
      .trimEnd()}\n`;
  return [
    line(({ title }) => ({ text: title, colour: "dim" })),
    ...rows.map((row) => line(({ cell }) => cell(row))),
  ].join("");
}

/** Takes what is too much from the widest of the columns that may be cut. */
function narrow(columns: { readonly column: { readonly isFlexible?: boolean }; width: number }[], width: number): void {
  const flexible = columns.filter(({ column }) => column.isFlexible === true);
  let excess = columns.reduce((sum, one) => sum + one.width, GAP.length * (columns.length - 1)) - width;
  for (; excess > 0; excess -= 1) {
    const [widest] = flexible.toSorted((one, other) => other.width - one.width);
    if (widest === undefined || widest.width <= NARROWEST) return;
    widest.width -= 1;
  }
}

function cellText({ text, colour }: Cell, align: Column<unknown>["align"], width: number, paint: Paint): string {
  const shown = cut(text, width);
  const space = " ".repeat(width - stringWidth(shown));
  const painted = colour === undefined ? shown : paint(colour, shown);
  return align === "left" ? painted + space : space + painted;
}

const characters = new Intl.Segmenter();

/** A text no wider than `width`, cut in its middle: ids often differ only at their ends. */
function cut(text: string, width: number): string {
  if (stringWidth(text) <= width) return text;
  const all = [...characters.segment(text)].map(({ segment }) => segment);
  const ending = fitting(all.toReversed(), Math.floor((width - 1) / 2))
    .toReversed()
    .join("");
  return `${fitting(all, width - 1 - stringWidth(ending)).join("")}…${ending}`;
}

/** The first of the characters that are no wider than `width` together. */
function fitting(all: readonly string[], width: number): readonly string[] {
  let left = width;
  const end = all.findIndex((one) => {
    left -= stringWidth(one);
    return left < 0;
  });
  return end === -1 ? all : all.slice(0, end);
}
