import fc from "fast-check";
import { expect, it } from "vitest";
import { formatNdjson, parseNdjson } from "../../src/internal/ndjson.ts";

it("parseNdjson returns the objects that formatNdjson wrote", () => {
  fc.assert(
    fc.property(fc.array(fc.dictionary(fc.string(), fc.jsonValue()), { minLength: 1 }), (values) => {
      expect(parseNdjson(formatNdjson(values), "the test", (value) => value)).toEqual(
        JSON.parse(JSON.stringify(values)),
      );
    }),
  );
});

it.each([
  ["", "Line 1 of the test: It is empty"],
  ["{}\nnone\n", "Line 2 of the test: It is not JSON"],
  ["[]", "Line 1 of the test: Expected `line` to be an object"],
  ["null", "Line 1 of the test: Expected `line` to be an object"],
])("parseNdjson names the line that it cannot parse: %j", (text, sentence) => {
  expect(() => parseNdjson(text, "the test", (value) => value)).toThrow(sentence);
});

it("parseNdjson passes on the error of a line's check", () => {
  const cause = new RangeError("too large");
  const check = (): never => {
    throw cause;
  };
  expect(() => parseNdjson("{}", "the test", check)).toThrow(
    expect.objectContaining({ name: "TypeError", message: "Line 1 of the test: too large", cause }),
  );
});
