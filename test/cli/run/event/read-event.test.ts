import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { IncomingEvent } from "../../../../src/cli/run/event/incoming-event.ts";
import { readEvent } from "../../../../src/cli/run/event/read-event.ts";

function read(line: string): IncomingEvent {
  const reading = readEvent(Buffer.from(line));
  if ("problem" in reading) throw new Error(reading.problem);
  return reading.event;
}

function problem(line: string | Uint8Array): unknown {
  const reading = readEvent(Buffer.from(line));
  return "problem" in reading ? reading : "an event";
}

const cloudEvent = { specversion: "1.0", id: "42", source: "/orders", type: "order.placed" };

describe("a CloudEvent", () => {
  it("has unchanged data, and attributes as text", () => {
    const line = `{"specversion":"1.0","id":"42","source":"/orders","type":"order.placed","priority":1,"sampled":true,"data":{"n": 12345678901234567890}}`;
    expect(read(line)).toEqual({
      format: "cloud-event",
      eventId: '["/orders","42"]',
      attributes: {
        specversion: "1.0",
        id: "42",
        source: "/orders",
        type: "order.placed",
        priority: "1",
        sampled: "true",
      },
      headers: {},
      contentType: "application/json",
      body: '{"n": 12345678901234567890}',
      original: line,
    });
  });

  it.each([
    [{ data: "<a/>", datacontenttype: "application/xml" }, "<a/>", "application/xml"],
    [{ data: "text", datacontenttype: "application/json" }, '"text"', "application/json"],
    [
      { data: "text", datacontenttype: "application/vnd.x+json; charset=utf-8" },
      '"text"',
      "application/vnd.x+json; charset=utf-8",
    ],
    [{ data: "text" }, '"text"', "application/json"],
    [{ data: 0 }, "0", "application/json"],
    [{ data: null }, "", undefined],
    [{}, "", undefined],
  ])("keeps the members %j as the body %j of type %s", (members, body, contentType) => {
    const event = read(JSON.stringify({ ...cloudEvent, ...members }));
    expect([event.body, event.contentType]).toEqual([body, contentType]);
    expect(event.attributes).not.toHaveProperty("datacontenttype");
  });

  it("keeps base64 data as its bytes", () => {
    const event = read(JSON.stringify({ ...cloudEvent, data_base64: "AP/+", datacontenttype: "image/png" }));
    expect(event.body).toEqual(Buffer.from([0, 255, 254]));
    expect(event.contentType).toBe("image/png");
    const untyped = read(JSON.stringify({ ...cloudEvent, data_base64: "AP/+" }));
    expect(untyped.contentType).toBe("application/octet-stream");
  });

  it("is identified by source and id alone", () => {
    const idOf = (members: object): string => read(JSON.stringify({ ...cloudEvent, ...members })).eventId;
    expect(idOf({ data: 1 })).toBe(idOf({ data: 2, type: "other" }));
    expect(idOf({ id: "43" })).not.toBe(idOf({}));
    expect(idOf({ source: "/other" })).not.toBe(idOf({}));
  });
});

describe("a recorded GitHub delivery", () => {
  const headers = { "X-GitHub-Event": "issues", "X-GitHub-Delivery": "d-1", Host: "example.org", Cookie: "secret" };

  it("is identified by its delivery id, and has its body and GitHub's headers only", () => {
    const line = `{"headers":${JSON.stringify({ ...headers, "X-Hub-Signature-256": "sha256=0" })},"body":{"action":"opened", "repository":{"url":"https://api.github.com/repos/a/b"}}}`;
    expect(read(line)).toEqual({
      format: "webhook",
      eventId: "d-1",
      attributes: {
        specversion: "1.0",
        id: "d-1",
        source: "https://api.github.com/repos/a/b",
        type: "com.github.issues.opened",
      },
      headers: { "x-github-event": "issues", "x-github-delivery": "d-1", "x-hub-signature-256": "sha256=0" },
      contentType: "application/json",
      body: '{"action":"opened", "repository":{"url":"https://api.github.com/repos/a/b"}}',
      original: line,
    });
  });

  it("may contain its payload as text, which is sent unchanged", () => {
    const body = '{ "action" : "created" }';
    const event = read(JSON.stringify({ headers, body }));
    expect(event.body).toBe(body);
    expect(event.attributes["type"]).toBe("com.github.issues.created");
    expect(read(JSON.stringify({ headers, body: "[1]" })).attributes["type"]).toBe("com.github.issues");
  });

  it("may name its body `payload`, or be a form", () => {
    expect(read(JSON.stringify({ headers, payload: { zen: "x" } })).body).toBe('{"zen":"x"}');
    const form = {
      headers: { ...headers, "content-type": "application/x-www-form-urlencoded" },
      body: "payload=%7B%7D",
    };
    expect(read(JSON.stringify(form))).toMatchObject({
      contentType: "application/x-www-form-urlencoded",
      body: "payload=%7B%7D",
      attributes: { type: "com.github.issues", source: "https://api.github.com" },
    });
  });

  it("replaces lone surrogates in attributes", () => {
    const body = { action: "\ud800", repository: { url: "https://api.github.com/\udc00" } };
    expect(read(JSON.stringify({ headers, body })).attributes).toMatchObject({
      type: "com.github.issues.\ufffd",
      source: "https://api.github.com/\ufffd",
    });
  });

  it("omits invalid header values", () => {
    const odd = { ...headers, "x-github-hook-id": "1\r\nEvil: 1", "x-github-event": 7 };
    expect(read(JSON.stringify({ headers: { ...odd, "X-GitHub-Event": "ping" }, body: {} })).headers).toEqual({
      "x-github-event": "ping",
      "x-github-delivery": "d-1",
    });
  });

  it("never shares an identity with a CloudEvent", () => {
    const posing = read(JSON.stringify({ headers: { "x-github-delivery": '["/orders","42"]' }, body: {} }));
    expect(posing.eventId).not.toBe(read(JSON.stringify(cloudEvent)).eventId);
  });
});

describe("an invalid line", () => {
  it.each([
    ["not json", { problem: "not-json" }],
    ['{"a":', { problem: "not-json" }],
    ["[1]", { problem: "batch", of: "values", separateWith: "jq -c '.[]'" }],
    ["null", { problem: "not-an-object", found: "null" }],
    ["{}", { problem: "unknown-format" }],
    ['{"headers":{"host":"x"},"body":{}}', { problem: "unknown-sender" }],
    [
      '{"specversion":"1.0","source":"/a","type":"t"}',
      { problem: "invalid-attribute", attribute: "id", found: expect.any(String) },
    ],
    [
      '{"specversion":"1.0","id":"","source":"/a","type":"t"}',
      { problem: "invalid-attribute", attribute: "id", found: expect.any(String) },
    ],
    [
      '{"specversion":"1.0","id":"\\ud800","source":"/a","type":"t"}',
      { problem: "invalid-attribute", attribute: "id", found: expect.any(String) },
    ],
    [
      '{"specversion":"1.0","id":"1","source":null,"type":"t"}',
      { problem: "invalid-attribute", attribute: "source", found: expect.any(String) },
    ],
    [
      '{"specversion":"1.0","id":"1","source":"/a"}',
      { problem: "invalid-attribute", attribute: "type", found: expect.any(String) },
    ],
    [JSON.stringify({ ...cloudEvent, data_base64: "a b" }), { problem: "not-base64", member: "data_base64" }],
    [JSON.stringify({ ...cloudEvent, data_base64: 1 }), { problem: "not-base64", member: "data_base64" }],
    [
      '{"headers":{"x-github-event":"ping"},"body":{}}',
      { problem: "no-id", of: "a GitHub delivery", why: "the header `x-github-delivery` is missing" },
    ],
    ['{"headers":{"x-github-delivery":"1"}}', { problem: "no-payload", of: "recorded request", found: "nothing" }],
    [
      '{"headers":{"x-github-delivery":"1"},"body":7}',
      { problem: "no-payload", of: "recorded request", found: "a number" },
    ],
  ])("is reported: %s", (line, found) => {
    expect(problem(line)).toEqual(found);
  });

  it("is reported if it is not UTF-8", () => {
    expect(problem(Buffer.from([0x7b, 0xff, 0x7d]))).toEqual({ problem: "not-utf-8" });
  });

  it("never makes the reader throw", () => {
    const anyLine = fc.oneof(
      fc.uint8Array(),
      fc.json().map((json) => Buffer.from(json)),
      fc
        .record({
          headers: fc.dictionary(fc.constantFrom("x-github-delivery", "x-github-event", "a"), fc.jsonValue()),
          body: fc.jsonValue(),
        })
        .map((value) => Buffer.from(JSON.stringify(value))),
      fc
        .record(
          {
            specversion: fc.jsonValue(),
            id: fc.jsonValue(),
            source: fc.jsonValue(),
            type: fc.jsonValue(),
            data: fc.jsonValue(),
            data_base64: fc.jsonValue(),
          },
          { requiredKeys: [] },
        )
        .map((value) => Buffer.from(JSON.stringify(value))),
      fc.integer({ min: 1, max: 200_000 }).map((depth) => Buffer.from("[".repeat(depth))),
    );
    fc.assert(
      fc.property(anyLine, (bytes) => {
        const reading = readEvent(bytes);
        if ("event" in reading) expect(reading.event.eventId).not.toBe("");
      }),
    );
  });
});
