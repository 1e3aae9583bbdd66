import { describe, expect, it } from "vitest";
import { messageEvent } from "../../../../src/cli/run/event/message-event.ts";
import { readEvent } from "../../../../src/cli/run/event/read-event.ts";
import { traceContextOf } from "../../../../src/cli/run/event/trace-context.ts";
import { receivedMessage } from "../../../support/received-message.ts";

const TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

function traceOfLine(line: object): Readonly<Record<string, string>> {
  const reading = readEvent(Buffer.from(JSON.stringify(line)));
  if (!("event" in reading)) throw new Error(`The line was not read: ${JSON.stringify(reading)}`);
  return traceContextOf(reading.event);
}

describe("the trace context of an event", () => {
  it.each([
    ["a recorded webhook", { "x-github-event": "push", "x-github-delivery": "1" }],
    ["a recorded CloudEvent", { "ce-specversion": "1.0", "ce-id": "1", "ce-source": "/s", "ce-type": "t" }],
  ])("is that of the headers of %s", (_, headers) => {
    expect(traceOfLine({ headers: { ...headers, traceparent: TRACEPARENT }, body: {} })).toEqual({
      traceparent: TRACEPARENT,
    });
  });

  it("is that of the attributes of a structured CloudEvent", () => {
    const event = { specversion: "1.0", id: "1", source: "/s", type: "t", traceparent: TRACEPARENT, tracestate: "a=1" };
    expect(traceOfLine(event)).toEqual({ traceparent: TRACEPARENT, tracestate: "a=1" });
  });

  it("is that of the headers of a message, whatever the message carries", () => {
    const headers = { traceparent: TRACEPARENT };
    const webhook = JSON.stringify({ headers: { "x-github-event": "push", "x-github-delivery": "1" }, body: {} });
    for (const data of ["bytes", webhook]) {
      expect(traceContextOf(messageEvent(receivedMessage({ headers, data }), "1"))).toEqual({
        traceparent: TRACEPARENT,
      });
    }
  });

  it("leaves out repeated headers and values that no header can have", () => {
    const headers = { "x-github-event": "push", "x-github-delivery": "1", traceparent: ["a", "b"], tracestate: "ü" };
    expect(traceOfLine({ headers, body: {} })).toEqual({});
  });
});
