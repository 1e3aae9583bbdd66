import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { cloudEventId, opaqueEventId, readCloudEvent } from "../../src/model/cloud-event.ts";

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
      list: [],
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
    expect(readCloudEvent({ ...members, [name]: "" })).toEqual({ missing: name });
    expect(readCloudEvent({ ...members, [name]: undefined })).toEqual({ missing: name });
    expect(readCloudEvent({ ...members, [name]: {} })).toEqual({ missing: name });
    expect(readCloudEvent({ ...members, [name]: "\ud800" })).toEqual({ missing: name });
  });
});
