import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { itemTexts, memberText } from "../../src/internal/json-text.ts";

const space = fc.string({ unit: fc.constantFrom(" ", "\t", "\n", "\r"), maxLength: 3 });

/** Generates JSON of an object, with white space and escapes anywhere they are allowed. */
const written = fc
  .tuple(
    fc.array(fc.tuple(fc.oneof(fc.constant("data"), fc.string({ unit: "binary" })), fc.jsonValue(), fc.boolean())),
    space,
    space,
  )
  .map(([members, before, after]) => {
    const texts = members.map(([name, value, isIndented]) => {
      const key = name === "data" && isIndented ? '"d\\u0061ta"' : JSON.stringify(name);
      return `${before}${key}${after}:${before}${JSON.stringify(value, null, isIndented ? 2 : 0)}${after}`;
    });
    return `${after}{${texts.join(",")}${before}}`;
  });

describe("the text of a member", () => {
  it("is the text that JSON.parse reads under its name", () => {
    fc.assert(
      fc.property(written, (json) => {
        const parsed: unknown = Reflect.get(JSON.parse(json), "data");
        const text = memberText(json, "data");
        expect(text === undefined ? undefined : JSON.parse(text)).toEqual(parsed);
      }),
    );
  });

  it.each([
    ['{"data":12345678901234567890.10}', "12345678901234567890.10"],
    ['{"a":{"data":1},"data" : [1, {"data":"]}"}] ,"b":2}', '[1, {"data":"]}"}]'],
    ['{"x":"\\\\","data":"say \\"hi\\", \\\\"}', '"say \\"hi\\", \\\\"'],
    ['{"data":1,"data":2}', "2"],
    ['{"data":null}', "null"],
    ["{}", undefined],
    ['{"dat":1}', undefined],
  ])("is found in %s: %s", (json, text) => {
    expect(memberText(json, "data")).toBe(text);
  });

  it("is found in a payload of several megabytes", () => {
    const data = JSON.stringify({
      text: '\\"'.repeat(1_000_000),
      list: Array.from({ length: 100_000 }, (_, at) => at),
    });
    expect(memberText(`{"a":[[]],"data":${data},"z":0}`, "data")).toBe(data);
  });
});

describe("the texts of the items of a list", () => {
  it("are the texts that JSON.parse reads as its items", () => {
    const list = fc.tuple(fc.array(fc.jsonValue()), space, space, fc.boolean());
    fc.assert(
      fc.property(list, ([items, before, after, isIndented]) => {
        const texts = items.map((item) => `${before}${JSON.stringify(item, null, isIndented ? 2 : 0)}${after}`);
        const json = `${before}[${texts.join(",")}${after}]${before}`;
        expect(itemTexts(json).map((text): unknown => JSON.parse(text))).toEqual(JSON.parse(json));
      }),
    );
  });
});
