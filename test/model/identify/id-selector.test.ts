import { isDeepStrictEqual } from "node:util";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { byHeader, byPointer, firstOf, type IdFields, parseSelector } from "../../../src/model/identify/id-selector.ts";
import { parsePointer } from "../../../src/model/identify/json-pointer.ts";
import { payloadFingerprint } from "../../../src/model/identify/payload-fingerprint.ts";

function fieldsOf(headers: Readonly<Record<string, unknown>>, json?: unknown): IdFields {
  return {
    header(name) {
      const value = headers[name];
      if (value === undefined) return [];
      const values: readonly unknown[] = Array.isArray(value) ? value : [value];
      return values;
    },
    json: () => json,
  };
}

describe("byHeader", () => {
  it.each<readonly [value: unknown, selected: object]>([
    ["h-1", { id: "h-1" }],
    [undefined, { missing: "the header `X-Id` is missing" }],
    ["", { refused: "the header `X-Id` is an empty string, not a non-empty string" }],
    [7, { refused: "the header `X-Id` is a number, not a non-empty string" }],
    [["a", "b"], { refused: "the header `X-Id` occurs 2 times" }],
  ])("reads the header value %j as %j", (value, selected) => {
    expect(byHeader("X-Id")(fieldsOf({ "x-id": value }))).toEqual(selected);
  });

  it.each(["ce-id", "Ce-Id"])("decodes the CloudEvents header `%s` once, and no other header", (name) => {
    expect(byHeader(name)(fieldsOf({ "ce-id": "100%2525" }))).toEqual({ id: "100%25" });
    expect(byHeader(name)(fieldsOf({ "ce-id": "100%" }))).toEqual({ id: "100%" });
    expect(byHeader("x-id")(fieldsOf({ "x-id": "100%25" }))).toEqual({ id: "100%25" });
  });

  it.each(["", "a b", "ä", "a:"])("refuses the name %j", (name) => {
    expect(() => byHeader(name)).toThrow(TypeError);
  });
});

describe("byPointer", () => {
  const json = { id: "p-1", big: 9_007_199_254_740_992, list: [{ "a/b": { "~": "deep" } }], none: null, "": "root" };

  it.each<readonly [pointer: string, selected: object]>([
    ["/id", { id: "p-1" }],
    ["/list/0/a~1b/~0", { id: "deep" }],
    ["/", { id: "root" }],
    ["/missing", { missing: "the member `/missing` is missing" }],
    ["/none", { missing: "the member `/none` is missing" }],
    ["/list/00", { missing: "the member `/list/00` is missing" }],
    ["/toString", { missing: "the member `/toString` is missing" }],
    ["/big", { refused: "the member `/big` is a number, not a non-empty string" }],
    ["/list", { refused: "the member `/list` is a list, not a non-empty string" }],
  ])("reads the pointer %s as %j", (pointer, selected) => {
    expect(byPointer(pointer)(fieldsOf({}, json))).toEqual(selected);
  });

  it.each(["id", "/a~", "/a~2"])("refuses the pointer %s", (pointer) => {
    expect(() => byPointer(pointer)).toThrow(TypeError);
  });

  it("finds every member of a value by its escaped path", () => {
    fc.assert(
      fc.property(
        fc.array(fc.string({ unit: "grapheme" }), { minLength: 1, maxLength: 4 }),
        fc.string({ minLength: 1 }),
        (path, id) => {
          const value = path.reduceRight<unknown>((inner, name) => Object.fromEntries([[name, inner]]), id);
          const pointer = path.map((name) => `/${name.replaceAll("~", "~0").replaceAll("/", "~1")}`).join("");
          expect(parsePointer(pointer)(value)).toBe(id);
        },
      ),
    );
  });
});

describe("firstOf", () => {
  const select = firstOf(byHeader("x-id"), byPointer("/id"));

  it.each<readonly [fields: IdFields, selected: object]>([
    [fieldsOf({ "x-id": "h" }, { id: "p" }), { id: "h" }],
    [fieldsOf({}, { id: "p" }), { id: "p" }],
    [fieldsOf({ "x-id": ["a", "b"] }, { id: "p" }), { refused: "the header `x-id` occurs 2 times" }],
    [fieldsOf({}, {}), { missing: "the header `x-id` is missing, and the member `/id` is missing" }],
  ])("selects the first field that exists, without skipping an invalid one (%#)", (fields, selected) => {
    expect(select(fields)).toEqual(selected);
  });
});

it("firstOf refuses to select from nothing, and what is not a selector", () => {
  expect(() => firstOf()).toThrow("Expected `selectors` to be at least one selector");
  // @ts-expect-error a name instead of a selector
  expect(() => firstOf("x-id")).toThrow("Expected `selectors` to be a function, got `x-id` (string)");
});

it("a field of the command line is a pointer if it begins with a slash", () => {
  expect(parseSelector("/id")(fieldsOf({}, { id: "p" }))).toEqual({ id: "p" });
  expect(parseSelector("X-Id")(fieldsOf({ "x-id": "h" }))).toEqual({ id: "h" });
});

describe("the fingerprint of a payload", () => {
  it("is the same for every serialisation of a JSON value, and another for another value", () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (one, other) => {
        const reordered: unknown = JSON.parse(JSON.stringify(one), (_, value: unknown) =>
          typeof value === "object" && value !== null && !Array.isArray(value)
            ? Object.fromEntries(Object.entries(value).reverse())
            : value,
        );
        expect(payloadFingerprint(JSON.stringify(reordered, null, 2))).toBe(payloadFingerprint(JSON.stringify(one)));
        const isSame = isDeepStrictEqual(parsed(one), parsed(other));
        expect(payloadFingerprint(JSON.stringify(one)) === payloadFingerprint(JSON.stringify(other))).toBe(isSame);
      }),
    );
  });

  it("compares other payloads byte for byte, as text or bytes", () => {
    expect(payloadFingerprint("<a/>")).toBe(payloadFingerprint(Buffer.from("<a/>")));
    expect(payloadFingerprint("<a/>")).not.toBe(payloadFingerprint("<a />"));
    expect(payloadFingerprint(Buffer.from([0xff]))).not.toBe(payloadFingerprint(Buffer.from([0xfe])));
    expect(payloadFingerprint("[".repeat(200_000))).toMatch(/^sha256:[\w-]{43}$/);
  });
});

/** Returns the value that a reader of the JSON text sees. */
function parsed(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value));
}
