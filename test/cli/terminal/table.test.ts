import fc from "fast-check";
import stringWidth from "string-width";
import { describe, expect, it } from "vitest";
import { escaped } from "../../../src/cli/terminal/printable.ts";
import { shortened } from "../../../src/cli/terminal/shortening.ts";
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

  it("shortens wide cells in the middle", () => {
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

  it("prints a value that all rows share once", () => {
    const collapsible = columns.map((column) => ({ ...column, isCollapsible: true }));
    const rows = ["1", "2"].map((number) => [{ text: "a" }, { text: number }] as const);
    expect(tableText(collapsible, rows, { paint })).toBe("N\n1\n2\nAll rows: ID a\n");
    expect(tableText(collapsible, rows.slice(1), { paint })).toBe("ID  N\na   2\n");
    expect(tableText(columns, rows, { paint })).toBe("ID  N\na   1\na   2\n");
  });

  it("leaves out columns that do not fit, least important first, and says so", () => {
    const many: ReadonlyArray<Column<string>> = ["AAAA", "BBBB", "CCCC"].map((title, index) => ({
      ...{ title, align: "left", leaveOut: 3 - index },
      cell: (text) => ({ text }),
    }));
    expect(tableText(many, ["x"], { paint, width: 11 })).toBe(
      "AAAA  BBBB\nx     x\nThis terminal is too narrow for CCCC.\n",
    );
    expect(tableText(many, ["x"], { paint, width: 5 })).toContain(
      "AAAA\nx\nThis terminal is too narrow for CCCC and BBBB.",
    );
  });

  it("says that values look alike, if their differences cannot be shown", () => {
    const rows = ["a", "b"].map((middle) => {
      const text = `${"x".repeat(20)}${middle}${"y".repeat(20)}a${middle}${"z".repeat(20)}`;
      return [{ text }, { text: "1" }] as const;
    });
    expect(tableText(columns, rows, { paint, width: 20 })).not.toContain("look alike");
    const alike = Array.from({ length: 11 ** 2 }, (_, index) => {
      const [one, other] = [index % 11, Math.floor(index / 11)];
      const text = `${"x".repeat(one)}y${"x".repeat(40 - one)}${"x".repeat(other)}y${"x".repeat(40 - other)}`;
      return [{ text }, { text: "1" }] as const;
    });
    expect(tableText(columns, alike, { paint, width: 11 })).toContain("\nSome values of ID look alike at this width;");
  });

  it("is never wider than the terminal if its minimum fits", () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.string({ unit: "grapheme" }), fc.nat(1_000))),
        fc.integer({ min: 16, max: 60 }),
        (cells, width) => {
          const rows = cells.map(([text, number]) => [{ text: escaped(text) }, { text: String(number) }] as const);
          const lines = tableText(columns, rows, { paint, width }).split("\n");
          expect(lines.slice(0, rows.length + 1).filter((line) => stringWidth(line) > width)).toEqual([]);
          expect(lines.length).toBeGreaterThanOrEqual(rows.length + 2);
        },
      ),
    );
  });
});

describe("shortened texts", () => {
  it("lose their common beginning first", () => {
    const ids = ["4711", "4712"].map((id) => `["/shops/eu-west-1/orders","order-${id}"]`);
    expect([...shortened([...ids, "short"], 14).texts.values()]).toEqual(['…"order-4711"]', '…"order-4712"]', "short"]);
    expect([...shortened(ids.slice(1), 14).texts.values()]).toEqual(['["/shop…4712"]']);
  });

  it("show where texts differ, wherever that is", () => {
    const [front, back] = ["a".repeat(50), "b".repeat(50)];
    for (const [one, other] of [
      [`1${front}${back}`, `2${front}${back}`],
      [`${front}1${back}`, `${front}2${back}`],
      [`${front}${back}1`, `${front}${back}2`],
    ] as const) {
      const { texts, isDistinct } = shortened([one, other, "short"], 12);
      expect([isDistinct, new Set(texts.values()).size]).toEqual([true, 3]);
      for (const text of texts.values()) expect(stringWidth(text)).toBeLessThanOrEqual(12);
    }
  });
});
