import fc from "fast-check";
import { expect, it } from "vitest";
import { splitName } from "../../../src/inspect/page/state/formats.ts";
import { parseVisible, visibleText } from "../../../src/inspect/page/state/visible-text.ts";

it("bidirectional controls and zero-width characters become visible", () => {
  expect(visibleText("evt\u202e-1\u200b")).toBe("evt\\u{202e}-1\\u{200b}");
  expect(visibleText("größe 訂單 🚀")).toBe("größe 訂單 🚀");
});

it("no invisible character is left in any text", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => {
      expect(visibleText(text)).not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u);
    }),
  );
});

it("a very long text is cut in the middle, since ids differ at their ends, and its length is shown", () => {
  expect(visibleText(`${"x".repeat(9_999)}1`)).toBe(`${"x".repeat(1_800)}… (10000 characters) …${"x".repeat(199)}1`);
});

it("texts of JSON are made visible, except keys", () => {
  const json = JSON.stringify({ storeKey: "a\u200bb", identity: { eventId: "a\u200bb", list: ["\u202e"] }, number: 1 });
  expect(parseVisible(json)).toEqual({
    storeKey: "a\u200bb",
    identity: { eventId: "a\\u{200b}b", list: ["\\u{202e}"] },
    number: 1,
  });
});

it("a long name is split so that its end is always shown", () => {
  expect(splitName("worker-a")).toEqual({ head: "worker-a", tail: "" });
  expect(splitName("trigger-7c9f6d-x2x/4711/9f3ac2")).toEqual({ head: "trigger-7c9f6d-x2x/4", tail: "711/9f3ac2" });
  fc.assert(
    fc.property(fc.string({ unit: "grapheme" }), (name) => {
      const { head, tail } = splitName(name);
      expect(head + tail).toBe(name);
    }),
  );
});
