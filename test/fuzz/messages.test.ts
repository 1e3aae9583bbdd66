import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { messageEvent, messageIdentifier } from "../../src/cli/run/event/message-event.ts";
import { resolveIdentity } from "../../src/model/identity.ts";
import { type Identify, identifyEvent } from "../../src/nats/index.ts";
import { type MessageParts, receivedMessage } from "../support/received-message.ts";
import { runCount } from "../support/run-count.ts";
import { cloudEvent } from "./cloud-event.ts";
import { anyBytes, deepJson, nearly, nearlyBytes } from "./nearly.ts";

const RUNS = runCount(1_000);
const delivery = { headers: { "X-GitHub-Event": "push", "X-GitHub-Delivery": "d-1" }, body: { action: "opened" } };
const block =
  "NATS/1.0\r\nce-source: /shop\r\nce-id: e-1\r\nce-type: t\r\nContent-Type: application/cloudevents+json\r\nNats-Msg-Id: m\r\n\r\n";

const name = fc.constantFrom(
  "ce-source",
  "ce-id",
  "CE-ID",
  "ce-type",
  "content-type",
  "Nats-Msg-Id",
  "nats-msg-id",
  "x",
);
const value = fc.oneof(
  fc.constantFrom("/shop", "e-1", "", "[", "%", "%ff", "application/cloudevents+json", "application/json"),
  fc.string({ unit: "binary" }).map((any) => any.replaceAll(/[\r\n]/g, "")),
);
const headers = fc.oneof(
  fc.dictionary(name, fc.oneof(value, fc.array(value, { maxLength: 3 }))),
  nearlyBytes(fc.constant(block)),
  fc.uint8Array({ maxLength: 100 }),
);
const data = fc.oneof(
  anyBytes,
  nearly(cloudEvent).map((event) => JSON.stringify(event)),
  nearly(delivery).map((event) => JSON.stringify(event)),
  nearlyBytes(fc.constantFrom(JSON.stringify(cloudEvent), JSON.stringify(delivery))),
);
const message: fc.Arbitrary<MessageParts> = fc.record({ headers, data }, { requiredKeys: ["data"] });

const text = fc.string({ unit: "grapheme", minLength: 1, maxLength: 20 });
/** Text that survives a header without a change. */
const headerText = fc.stringMatching(/^[!-~]([ -~]{0,20}[!-~])?$/);

/** Returns the expected value of a header, independently of the decoder: percent-decoded once if it is encoded. */
function decodedOnce(value: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    return value;
  }
}

/** Returns the expected event id of a CloudEvent's body, or a pattern for the member that prevents one. */
function expectedOf({ specversion, source, id }: Readonly<Record<string, unknown>>): RegExp | { eventId: string } {
  if (specversion === undefined) return /CloudEvent/;
  const isText = (value: unknown): boolean => typeof value === "string" && value !== "" && value.isWellFormed();
  if (!isText(source)) return /source/;
  return isText(id) ? { eventId: JSON.stringify([source, id]) } : /id/;
}

describe.each<readonly [string, Identify]>([
  ["identifyEvent", identifyEvent],
  ["messageIdentifier", messageIdentifier({})],
])("%s", (_, identify) => {
  const idOf = (parts: MessageParts): unknown => {
    const found = identify(receivedMessage(parts), "sub-1");
    return "unidentifiable" in found ? found : found.eventId;
  };

  it("identifies any message deterministically, or gives a reason", () => {
    let identified = 0;
    fc.assert(
      fc.property(message, (parts) => {
        const found = identify(receivedMessage(parts), "sub-1");
        expect(identify(receivedMessage(parts), "sub-1")).toEqual(found);
        if ("unidentifiable" in found) expect(found.unidentifiable).toMatch(/^its |^it /);
        else {
          expect(resolveIdentity(found).subscriptionId).toBe("sub-1");
          identified += 1;
        }
      }),
      { numRuns: RUNS },
    );
    expect(identified).toBeGreaterThan(RUNS / 20);
    expect(identified).toBeLessThan(RUNS);
  });

  it("identifies a CloudEvent in headers by its source and id alone", () => {
    fc.assert(
      fc.property(headerText, headerText, data, (source, id, body) => {
        const headers = { "ce-source": source, "CE-ID": id, "Nats-Msg-Id": "other", "ce-type": "t" };
        expect(idOf({ headers, data: body })).toBe(JSON.stringify([decodedOnce(source), decodedOnce(id)]));
      }),
      { numRuns: RUNS },
    );
  });

  it("identifies a structured CloudEvent by its source and id alone", () => {
    fc.assert(
      fc.property(text, text, fc.jsonValue(), fc.boolean(), (source, id, payload, hasContentType) => {
        const body = JSON.stringify({ ...cloudEvent, source, id, data: payload });
        const headers = hasContentType ? { "content-type": "application/cloudevents+json" } : {};
        expect(idOf({ headers, data: body })).toBe(JSON.stringify([source, id]));
      }),
      { numRuns: RUNS },
    );
  });

  it("identifies an altered CloudEvent exactly when it still has a source and an id", () => {
    fc.assert(
      fc.property(nearly(cloudEvent), (event) => {
        const body = JSON.stringify(event);
        const members: Readonly<Record<string, unknown>> = JSON.parse(body);
        const expected = expectedOf(members);
        const found = identify(receivedMessage({ data: body }), "sub-1");
        if (expected instanceof RegExp) expect(found).toEqual({ unidentifiable: expect.stringMatching(expected) });
        else expect(found).toEqual({ subscriptionId: "sub-1", ...expected });
      }),
      { numRuns: RUNS },
    );
  });

  it("identifies another message by its Nats-Msg-Id, and never as a CloudEvent", () => {
    fc.assert(
      fc.property(headerText, (id) => {
        const found = idOf({ headers: { "nats-msg-id": id }, data: "not an event" });
        expect(found).toBe(id.startsWith("[") ? JSON.stringify([id]) : id);
      }),
      { numRuns: RUNS, examples: [['["/shop","e-1"]']] },
    );
  });

  const nearMisses: ReadonlyArray<readonly [string, MessageParts, RegExp]> = [
    ["no id", { data: "{}" }, /`Nats-Msg-Id`/],
    ["a source without an id", { headers: { "ce-source": "/shop", "Nats-Msg-Id": "m" } }, /`ce-id`/],
    ["an id without a source", { headers: { "ce-id": "e-1", "Nats-Msg-Id": "m" } }, /`ce-source`/],
    ["two ids", { headers: { "ce-source": "/shop", "ce-id": ["e-1", "e-2"] } }, /`ce-id`/],
    ["two Nats-Msg-Ids", { headers: { "Nats-Msg-Id": ["m", "n"] } }, /`Nats-Msg-Id`/],
    ["a number as its id", { data: JSON.stringify({ ...cloudEvent, id: 12_345 }) }, /`id`/],
    ["a lone surrogate in its source", { data: JSON.stringify({ ...cloudEvent, source: "\uD800" }) }, /`source`/],
    [
      "the content type of a CloudEvent and no JSON object",
      { headers: { "content-type": "application/cloudevents+json", "Nats-Msg-Id": "m" }, data: "[]" },
      /`content-type`/,
    ],
  ];
  it.each(nearMisses)("refuses a message with %s, and names the reason", (_name, parts, reason) => {
    expect(idOf(parts)).toEqual({ unidentifiable: expect.stringMatching(reason) });
  });

  it("does not identify a message with unreadable headers", () => {
    const headers = Buffer.from(block.replace("ce-id", "ce-\nid"));
    const found = identify(receivedMessage({ headers, data: JSON.stringify(delivery) }), "sub-1");
    expect(found).toEqual({ unidentifiable: expect.stringMatching(/headers/) });
  });

  it("identifies a CloudEvent with deeply nested data, and refuses a deeply nested array", () => {
    const deep = JSON.stringify({ ...cloudEvent, data: "deep" }).replace('"deep"', deepJson);
    expect(idOf({ data: deep })).toBe('["/shop","e-1"]');
    expect(idOf({ data: deepJson })).toEqual({ unidentifiable: expect.stringMatching(/`Nats-Msg-Id`/) });
  });
});

describe("messageIdentifier", () => {
  it("identifies a GitHub webhook delivery by its delivery id", () => {
    fc.assert(
      fc.property(headerText, (id) => {
        const webhook = { ...delivery, headers: { ...delivery.headers, "X-GitHub-Delivery": id } };
        const found = messageIdentifier({})(receivedMessage({ data: JSON.stringify(webhook) }), "sub-1");
        expect(found).toEqual({ subscriptionId: "sub-1", eventId: id.startsWith("[") ? JSON.stringify([id]) : id });
      }),
    );
  });
});

describe("messageEvent", () => {
  it("returns any identified message with its id", () => {
    let identified = 0;
    fc.assert(
      fc.property(message, (parts) => {
        const received = receivedMessage(parts);
        const found = messageIdentifier({})(received, "sub-1");
        if ("unidentifiable" in found) return;
        identified += 1;
        const event = messageEvent(received, found.eventId);
        expect(event.eventId).toBe(found.eventId);
        for (const attribute of Object.values(event.attributes)) expect(attribute.isWellFormed()).toBe(true);
      }),
      { numRuns: RUNS },
    );
    expect(identified).toBeGreaterThan(RUNS / 20);
  });
});
