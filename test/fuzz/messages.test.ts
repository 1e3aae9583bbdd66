import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { eventOf, messageIdentifier } from "../../src/cli/run/event/message-event.ts";
import { resolveIdentity } from "../../src/model/identity.ts";
import { type Identify, identifyEvent } from "../../src/nats/index.ts";
import { type MessageParts, receivedMessage } from "../support/received-message.ts";
import { anyBytes, deepJson, nearly, nearlyBytes } from "./nearly.ts";

const RUNS = 2_000;
const cloudEvent = {
  specversion: "1.0",
  type: "t",
  source: "/shop",
  id: "e-1",
  datacontenttype: "text/plain",
  data: 1,
};
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
  fc.string({ unit: "binary" }).map((text) => text.replaceAll(/[\r\n]/g, "")),
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

describe.each<readonly [string, Identify]>([
  ["a consumer's", identifyEvent],
  ["the command line's", messageIdentifier({})],
])("by %s own reading, any message", (_, identify) => {
  it("is identified, always as the same event, or is said not to be, and why", () => {
    fc.assert(
      fc.property(message, (parts) => {
        const found = identify(receivedMessage(parts), "sub-1");
        expect(identify(receivedMessage(parts), "sub-1")).toEqual(found);
        if ("unidentifiable" in found) expect(found.unidentifiable).toMatch(/^its |^it /);
        else expect(resolveIdentity(found).subscriptionId).toBe("sub-1");
      }),
      { numRuns: RUNS },
    );
  });

  it("whose headers cannot be read is not identified by what else it holds", () => {
    const headers = Buffer.from(block.replace("ce-id", "ce-\nid"));
    const found = identify(receivedMessage({ headers, data: JSON.stringify(delivery) }), "sub-1");
    expect(found).toEqual({ unidentifiable: "its headers cannot be read" });
  });

  it("that is deeper than a program can go is one of both, too", () => {
    for (const body of [deepJson, JSON.stringify({ ...cloudEvent, data: "deep" }).replace('"deep"', deepJson)]) {
      expect(identify(receivedMessage({ data: body }), "sub-1")).toBeDefined();
    }
  });
});

describe("any message that is identified", () => {
  it("can be handed on by the command line, under the id by which it is known", () => {
    fc.assert(
      fc.property(message, (parts) => {
        const received = receivedMessage(parts);
        const found = messageIdentifier({})(received, "sub-1");
        if ("unidentifiable" in found) return;
        const event = eventOf(received, found.eventId);
        expect(event.eventId).toBe(found.eventId);
        for (const text of Object.values(event.attributes)) expect(text.isWellFormed()).toBe(true);
      }),
      { numRuns: RUNS },
    );
  });
});
