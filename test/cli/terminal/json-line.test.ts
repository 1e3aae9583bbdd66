import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { jsonLine } from "../../../src/cli/terminal/json-line.ts";

describe("a line of JSON", () => {
  it("contains no character that a terminal interprets or hides", () => {
    expect(jsonLine({ id: "a\u202eb\u200b\u009b\u2028\u{e0001}" })).toBe(
      '{"id":"a\\u202eb\\u200b\\u009b\\u2028\\udb40\\udc01"}\n',
    );
  });

  it("parses to the same value, whatever it contains", () => {
    const unit = fc.oneof(
      fc.constantFrom("\u202e", "\u0000", "\u007f", "\u2066", "\ufeff", "\u{e0041}", "é"),
      fc.string(),
    );
    fc.assert(
      fc.property(fc.array(unit), (parts) => {
        const value = { [parts.join("")]: parts };
        const line = jsonLine(value);
        expect(JSON.parse(line)).toEqual(value);
        expect(line.slice(0, -1)).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
      }),
    );
  });
});
