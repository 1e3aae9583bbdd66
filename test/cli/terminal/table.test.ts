import fc from "fast-check";
import stringWidth from "string-width";
import { describe, expect, it } from "vitest";
import { span } from "../../../src/cli/terminal/format.ts";
import { escaped } from "../../../src/cli/terminal/printable.ts";
import { type Cell, type Column, tableText } from "../../../src/cli/terminal/table.ts";

const paint = (_: string, text: string): string => text;
const columns: ReadonlyArray<Column<readonly [Cell, Cell]>> = [
  { title: "ID", align: "left", isFlexible: true, cell: ([id]) => id },
  { title: "N", align: "right", cell: ([, number]) => number },
];

describe("a table", () => {
  it("aligns its columns by display width", () => {
    const rows = [
      [{ text: "日本" }, { text: "1" }],
      [{ text: "é" }, { text: "10" }],
    ] as const;
    expect(tableText(columns, rows, { paint })).toBe("ID     N\n日本   1\né     10\n");
  });

  it("truncates wide cells in the middle", () => {
    const rows = [[{ text: '["/orders","evt-1234"]' }, { text: "1" }]] as const;
    expect(tableText(columns, rows, { paint, width: 20 })).toBe('ID                 N\n["/order…t-1234"]  1\n');
  });

  it("colours the text of a cell, not its padding", () => {
    const brackets = (_: string, text: string): string => `<${text}>`;
    const rows = [[{ text: "a", colour: "red" }, { text: "2" }]] as const;
    expect(tableText(columns, rows, { paint: brackets })).toBe("<ID>  <N>\n<a>   2\n");
  });

  it("exceeds the width if its minimum does", () => {
    const rows = [[{ text: "0123456789" }, { text: "1" }]] as const;
    expect(tableText(columns, rows, { paint, width: 5 })).toBe("ID        N\n0123…789  1\n");
    expect(tableText(columns.slice(1), rows, { paint, width: 0 })).toBe("N\n1\n");
  });

  it("is never wider than the terminal if its minimum fits", () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.string({ unit: "grapheme" }), fc.nat(1_000))),
        fc.integer({ min: 16, max: 60 }),
        (cells, width) => {
          const rows = cells.map(([text, number]) => [{ text: escaped(text) }, { text: String(number) }] as const);
          const lines = tableText(columns, rows, { paint, width }).split("\n");
          expect(lines.map((line) => stringWidth(line)).filter((one) => one > width)).toEqual([]);
          expect(lines).toHaveLength(rows.length + 2);
        },
      ),
    );
  });
});

describe("a span of time", () => {
  it.each([
    [0, "0 s"],
    [-5_000, "0 s"],
    [499, "0 s"],
    [500, "1 s"],
    [59_600, "1 min"],
    [61_000, "1 min 1 s"],
    [3_600_000, "1 h"],
    [3_659_000, "1 h"],
    [11_520_000, "3 h 12 min"],
    [7 * 86_400_000, "7 d"],
    [400 * 86_400_000 + 3_600_000, "400 d 1 h"],
  ])("of %d ms is %s", (ms, text) => {
    expect(span(ms)).toBe(text);
  });
});
