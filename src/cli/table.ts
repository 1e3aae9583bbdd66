import stringWidth from "string-width";
import type { Colour, Paint } from "./style.ts";

export interface Column {
  readonly title: string;
  readonly align: "left" | "right";
  /** Whether it may be cut where the table is too wide. */
  readonly isFlexible?: boolean;
}

export interface Cell {
  readonly text: string;
  readonly colour?: Colour;
}

/** How narrow a column is cut at most. */
const NARROWEST = 8;
const GAP = "  ";

/** Rows under titles, as wide as they are or, where `width` is given, no wider than that if it can be. */
export function tableText(
  columns: readonly Column[],
  rows: ReadonlyArray<readonly Cell[]>,
  { paint, width = Number.POSITIVE_INFINITY }: { readonly paint: Paint; readonly width?: number },
): string {
  const titles = columns.map(({ title }): Cell => ({ text: title, colour: "dim" }));
  const all = [titles, ...rows];
  const natural = columns.map((_, at) => Math.max(...all.map((row) => stringWidth(row[at]?.text ?? ""))));
  const widths = fitted(columns, natural, width);
  return all
    .map((row) => {
      const cells = columns.map(({ align }, at) => cellText(row[at], align, widths[at] ?? 0, paint));
      return `${cells.join(GAP).trimEnd()}\n`;
    })
    .join("");
}

/** Takes what is too much from the widest of the columns that may be cut. */
function fitted(columns: readonly Column[], natural: readonly number[], width: number): readonly number[] {
  const widths = [...natural];
  const total = (): number => widths.reduce((sum, one) => sum + one, GAP.length * (widths.length - 1));
  while (total() > width) {
    const flexible = widths.filter((one, at) => columns[at]?.isFlexible === true && one > NARROWEST);
    if (flexible.length === 0) break;
    const widest = Math.max(...flexible);
    widths[widths.findIndex((one, at) => columns[at]?.isFlexible === true && one === widest)] = widest - 1;
  }
  return widths;
}

function cellText(cell: Cell | undefined, align: Column["align"], width: number, paint: Paint): string {
  const text = cut(cell?.text ?? "", width);
  const space = " ".repeat(Math.max(width - stringWidth(text), 0));
  const painted = cell?.colour === undefined ? text : paint(cell.colour, text);
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
