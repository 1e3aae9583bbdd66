import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { resolveIdentity } from "../../../src/model/identity.ts";
import { identifyEvent } from "../../../src/nats/index.ts";
import { type MessageParts, receivedMessage } from "../../support/received-message.ts";

const identify = (parts: MessageParts): unknown => identifyEvent(receivedMessage(parts), "sub-1");
const event = (eventId: string): unknown => ({ subscriptionId: "sub-1", eventId });
const unidentifiable = { unidentifiable: expect.any(String) };
const structured = { specversion: "1.0", type: "t", source: "/shop", id: "e-1" };
const STRUCTURED_TYPE = { "Content-Type": "application/cloudevents+json; charset=utf-8" };

describe("identity of a message", () => {
  it.each<[string, MessageParts]>([
    ["in binary mode", { headers: { "ce-source": "/shop", "ce-id": "e-1" }, data: "anything" }],
    ["with header names in another case", { headers: { "Ce-Source": "/shop", "CE-ID": "e-1" } }],
    ["structured, as its content type says", { headers: STRUCTURED_TYPE, data: JSON.stringify(structured) }],
    [
      "structured, with the content type of the NATS binding",
      { headers: { "content-type": "application/cloudevents" }, data: JSON.stringify(structured) },
    ],
    ["structured, without a content type", { data: ` \n${JSON.stringify(structured)}` }],
    ["structured, with a byte order mark", { data: `\uFEFF${JSON.stringify(structured)}` }],
    [
      "in binary mode, whatever its message id",
      { headers: { "ce-source": "/shop", "ce-id": "e-1", "Nats-Msg-Id": "m" } },
    ],
  ])("is source and id of a CloudEvent %s", (_, parts) => {
    expect(identify(parts)).toEqual(event('["/shop","e-1"]'));
  });

  it.each<[string, MessageParts, string]>([
    ["unchanged", { headers: { "Nats-Msg-Id": "m-1" }, data: "{}" }, "m-1"],
    [
      "beside JSON that is not an event",
      { headers: { "Nats-Msg-Id": "m-1" }, data: '{"source":"/shop","id":"e-1"}' },
      "m-1",
    ],
    ["beside a body that only looks like JSON", { headers: { "Nats-Msg-Id": "m-1" }, data: "{nope" }, "m-1"],
    [
      "that looks like a CloudEvent's id",
      { headers: { "Nats-Msg-Id": '["/shop","e-1"]' } },
      '["[\\"/shop\\",\\"e-1\\"]"]',
    ],
  ])("is otherwise the message id, %s", (_, parts, eventId) => {
    expect(identify(parts)).toEqual(event(eventId));
  });

  it.each<[string, MessageParts]>([
    ["has neither", { data: "hello" }],
    ["has no headers and no body", {}],
    ["has a source without an id, and a message id", { headers: { "ce-source": "/shop", "Nats-Msg-Id": "m" } }],
    ["has an id without a source", { headers: { "ce-id": "e-1" } }],
    ["has two ids", { headers: { "ce-source": "/shop", "ce-id": ["e-1", "e-2"] } }],
    ["has an id twice under names in two cases", { headers: { "ce-source": "/shop", "ce-id": "e-1", "Ce-Id": "e-1" } }],
    ["has an empty id", { headers: { "ce-source": "/shop", "ce-id": "" } }],
    ["has an empty message id", { headers: { "Nats-Msg-Id": "" } }],
    ["claims to be an event and is not JSON", { headers: { ...STRUCTURED_TYPE, "Nats-Msg-Id": "m" }, data: "{nope" }],
    ["claims to be an event and is an array", { headers: STRUCTURED_TYPE, data: "[]" }],
    ["is an event whose id is a number", { data: JSON.stringify({ ...structured, id: 1 }) }],
    [
      "is an event without a source",
      { data: JSON.stringify({ ...structured, source: undefined }), headers: { "Nats-Msg-Id": "m" } },
    ],
    [
      "is an event whose id is not well-formed Unicode",
      { data: '{"specversion":"1.0","source":"/shop","id":"\\ud800"}' },
    ],
    [
      "has headers that the client refuses",
      { headers: new TextEncoder().encode("NATS/1.0\r\nNats-Msg-Id: a\nb\r\n\r\n") },
    ],
    ["claims to be an event and is not UTF-8", { headers: STRUCTURED_TYPE, data: Uint8Array.from([0x7b, 0xff, 0x7d]) }],
  ])("is missing when it %s", (_, parts) => {
    expect(identify(parts)).toEqual(unidentifiable);
  });

  it("is missing without a hint at the content", () => {
    const { unidentifiable: why } = {
      unidentifiable: "",
      ...Object(identify({ headers: STRUCTURED_TYPE, data: '{"secret' })),
    };
    expect(why).not.toBe("");
    expect(why).not.toContain("secret");
  });

  it("is missing, not shared, when header bytes are not UTF-8", () => {
    const withId = (byte: number): MessageParts => ({
      headers: Uint8Array.from([...Buffer.from("NATS/1.0\r\nNats-Msg-Id: a"), byte, 13, 10, 13, 10]),
    });
    expect(identify(withId(0xff))).toEqual(unidentifiable);
    expect(identify(withId(0xfe))).toEqual(unidentifiable);
    expect(identify(withId(0x62))).toEqual(event("ab"));
  });
});

/** Source and id of an event, or the id of a message. */
type Ids = readonly [source: string, id: string] | readonly [messageId: string];

/** Values that a header preserves: without line ends and surrounding spaces. */
const headerText = fc
  .oneof(fc.string({ unit: "binary", minLength: 1 }), fc.constantFrom('["a","b"]', '["a"]', "[", '"', "a,b", "1:a"))
  .map((value) => value.replaceAll(/[\r\n\uFFFD]/g, "").trim())
  .filter((value) => value !== "" && value.isWellFormed());
const anyIds: fc.Arbitrary<Ids> = fc.oneof(fc.tuple(headerText, headerText), fc.tuple(headerText));

function message(of: Ids, isStructured: boolean): MessageParts {
  const [first, id] = of;
  if (id === undefined) return { headers: { "Nats-Msg-Id": first } };
  return isStructured
    ? { data: JSON.stringify({ specversion: "1.0", source: first, id }) }
    : { headers: { "ce-source": first, "ce-id": id } };
}

function idOf(parts: MessageParts): string {
  const found = identifyEvent(receivedMessage(parts), "sub-1");
  if ("unidentifiable" in found) throw new Error(found.unidentifiable);
  return resolveIdentity(found).eventId;
}

describe("any two messages", () => {
  it("F9 share an identity if and only if they name the same event", () => {
    fc.assert(
      fc.property(anyIds, anyIds, fc.boolean(), fc.boolean(), (one, other, isStructured, isOtherStructured) => {
        const same = one.length === other.length && one.every((part, index) => part === other[index]);
        expect(idOf(message(one, isStructured)) === idOf(message(other, isOtherStructured))).toBe(same);
        expect(idOf(message(one, true))).toBe(idOf(message(one, false)));
      }),
      { numRuns: 2_000 },
    );
  });

  it("have a valid identity or none, whatever their bytes", () => {
    const name = fc.constantFrom("ce-id", "Ce-Source", "Nats-Msg-Id", "content-type", "x");
    const value = fc.oneof(
      fc.string({ unit: "binary" }),
      fc.constantFrom("application/cloudevents", "application/cloudevents+json;", "application/json"),
    );
    const lines = fc.array(fc.tuple(name, value)).map((all) => all.map((line) => line.join(": ")).join("\r\n"));
    const block = fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      lines.map((text) => new TextEncoder().encode(`NATS/1.0\r\n${text}\r\n\r\n`)),
    );
    const body = fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      fc.json(),
      fc
        .record({ specversion: fc.jsonValue(), source: fc.jsonValue(), id: fc.jsonValue() })
        .map((o) => JSON.stringify(o)),
    );
    fc.assert(
      fc.property(block, body, (bytes, data) => {
        const found = identifyEvent(receivedMessage({ headers: bytes, data }), "sub-1");
        if ("unidentifiable" in found) expect(found.unidentifiable).not.toBe("");
        else expect(resolveIdentity(found).subscriptionId).toBe("sub-1");
      }),
      { numRuns: 2_000 },
    );
  });
});
