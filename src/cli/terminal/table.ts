import stringWidth from "string-width";
import type { Colour, Paint } from "./paint.ts";

export interface Cell {
  readonly text: string;
  readonly colour?: Colour;
}

export interface Column<Row> {
  readonly title: string;
  readonly align: "left" | "right";
  /** True if the column may be truncated in a narrow terminal. */
  readonly isFlexible?: boolean;
  readonly cell: (row: Row) => Cell;
}

/** Minimum width of a truncated column. */
const MIN_WIDTH = 8;
const GAP = "  ";

/** Formats rows under column titles. Truncates flexible columns to fit `width` if possible. */
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

/** Narrows the widest flexible columns until the table fits. */
function narrow(columns: { readonly column: { readonly isFlexible?: boolean }; width: number }[], width: number): void {
  const flexible = columns.filter(({ column }) => column.isFlexible === true);
  let excess = columns.reduce((sum, one) => sum + one.width, GAP.length * (columns.length - 1)) - width;
  for (; excess > 0; excess -= 1) {
    const [widest] = flexible.toSorted((one, other) => other.width - one.width);
    if (widest === undefined || widest.width <= MIN_WIDTH) return;
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

/** Truncates a text in the middle: ids often differ only at their ends. */
function cut(text: string, width: number): string {
  if (stringWidth(text) <= width) return text;
  const all = [...characters.segment(text)].map(({ segment }) => segment);
  const ending = fitting(all.toReversed(), Math.floor((width - 1) / 2))
    .toReversed()
    .join("");
  return `${fitting(all, width - 1 - stringWidth(ending)).join("")}…${ending}`;
}

/** Returns the longest prefix that is at most `width` wide. */
function fitting(all: readonly string[], width: number): readonly string[] {
  let left = width;
  const end = all.findIndex((one) => {
    left -= stringWidth(one);
    return left < 0;
  });
  return end === -1 ? all : all.slice(0, end);
}
