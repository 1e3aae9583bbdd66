import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  claimsCloudEventBatch,
  cloudEventId,
  decodeHeaderAttribute,
  isCloudEventBatchType,
  opaqueEventId,
  readCloudEvent,
} from "../../src/model/cloud-event.ts";

const text = fc.oneof(
  fc.string({ unit: "binary", minLength: 1 }),
  fc.constantFrom('["a","b"]', '"', ",", '","', "[", "\\"),
);

describe("the event id of a CloudEvent", () => {
  it("F9 differs for every two pairs of source and id", () => {
    fc.assert(
      fc.property(text, text, text, text, (source, id, otherSource, otherId) => {
        const isSame = cloudEventId({ source, id }) === cloudEventId({ source: otherSource, id: otherId });
        expect(isSame).toBe(source === otherSource && id === otherId);
      }),
    );
  });

  it("F9 differs from the id of every opaque event", () => {
    const other = fc.oneof(
      text,
      fc.tuple(text, text).map(([source, id]) => cloudEventId({ source, id })),
    );
    fc.assert(
      fc.property(text, text, other, other, (source, id, one, two) => {
        expect(opaqueEventId(one)).not.toBe(cloudEventId({ source, id }));
        expect(opaqueEventId(one) === opaqueEventId(two)).toBe(one === two);
      }),
    );
  });
});

describe("the context of a CloudEvent", () => {
  it("contains the attributes, without the data and values that are no attribute", () => {
    const members = {
      specversion: "1.0",
      id: "1",
      source: "/a",
      type: "t",
      data: 1,
      data_base64: "",
      Upper: "x",
      n: 7,
      no: null,
    };
    expect(readCloudEvent(members)).toEqual({
      id: "1",
      source: "/a",
      type: "t",
      attributes: { specversion: "1.0", id: "1", source: "/a", type: "t", n: "7" },
    });
  });

  it.each(["specversion", "id", "source", "type"])("requires a %s", (name) => {
    const members = { specversion: "1.0", id: "1", source: "/a", type: "t" };
    expect(readCloudEvent({ ...members, [name]: "" })).toEqual({ invalid: name, found: "an empty string" });
    expect(readCloudEvent({ ...members, [name]: undefined })).toEqual({ invalid: name, found: "nothing" });
    expect(readCloudEvent({ ...members, [name]: {} })).toEqual({ invalid: name, found: "an object" });
    expect(readCloudEvent({ ...members, [name]: 7 })).toEqual({ invalid: name, found: "a number" });
    expect(readCloudEvent({ ...members, [name]: "\ud800" })).toEqual({
      invalid: name,
      found: "a string with lone surrogates",
    });
  });
});

describe("an extension attribute", () => {
  const required = { specversion: "1.0", id: "1", source: "/a", type: "t" };

  it("is a string, a boolean or an integer of 32 bits, as text", () => {
    const value = fc.oneof(fc.string({ unit: "grapheme" }), fc.boolean(), fc.integer());
    fc.assert(
      fc.property(value, (extension) => {
        expect(readCloudEvent({ ...required, extension })).toMatchObject({
          attributes: { extension: String(extension) },
        });
      }),
    );
  });

  it.each<readonly [value: unknown, found: string]>([
    [9_007_199_254_740_992, "a number"],
    [2 ** 31, "a number"],
    [-(2 ** 31) - 1, "a number"],
    [1.5, "a number"],
    [[], "a list"],
    [{}, "an object"],
    ["\udc00", "a string with lone surrogates"],
  ])("refuses %j", (extension, found) => {
    expect(readCloudEvent({ ...required, extension })).toEqual({ invalid: "extension", found });
  });
});

describe("an attribute in a header", () => {
  it("is decoded once, so that the encoded and the structured form are the same", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), (text) => {
        expect(decodeHeaderAttribute(encodeURIComponent(text))).toBe(text);
      }),
    );
    expect(decodeHeaderAttribute("order%20%E2%82%AC1")).toBe("order €1");
    expect(decodeHeaderAttribute("order €1")).toBe("order €1");
    expect(decodeHeaderAttribute("%2525")).toBe("%25");
  });

  it.each(["100%", "%zz", "%E2%82", "50% off %41"])("stays %s if it is not percent-encoded", (value) => {
    expect(decodeHeaderAttribute(value)).toBe(value);
  });
});

it.each([
  ["application/cloudevents-batch+json", true],
  ["Application/CloudEvents-Batch; charset=utf-8", true],
  ["application/cloudevents+json", false],
  ["application/json", false],
])("the media type %s is a batch: %s", (type, isBatch) => {
  expect(isCloudEventBatchType(type)).toBe(isBatch);
});

it.each([
  [[{ specversion: "1.0" }], true],
  [[1, { specversion: "1.0" }], true],
  [[], false],
  [[{}], false],
  [{ specversion: "1.0" }, false],
])("the value %j is a batch of CloudEvents: %s", (value, isBatch) => {
  expect(claimsCloudEventBatch(value)).toBe(isBatch);
});
