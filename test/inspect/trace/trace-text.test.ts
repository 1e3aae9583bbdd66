import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { errorText, tracer } from "../../../src/inspect/trace/trace-event.ts";
import { formatTrace, isTrace, parseTrace } from "../../../src/inspect/trace/trace-text.ts";
import type { DedupEvent, DedupEventDetail } from "../../../src/model/event.ts";
import { resolved } from "../../support/replicas.ts";
import { anyTraceEvent, traceEvent } from "./trace-events.ts";

describe("a saved recording", () => {
  it("is read as it was written", () => {
    fc.assert(
      fc.property(fc.array(anyTraceEvent), (trace) => {
        const text = formatTrace(trace);
        expect(isTrace(text)).toBe(true);
        expect(parseTrace(text)).toEqual(trace);
      }),
    );
  });

  it.each([
    ["", "Line 1 of the recording: It is empty"],
    ["{}\n", "Line 1 of the recording: Expected `version` to be 1"],
    ["[]\n", "Line 1 of the recording: Expected `line` to be an object"],
    ["null\n", "Line 1 of the recording: Expected `line` to be an object"],
    [`${formatTrace([])}7\n`, "Line 2 of the recording: Expected `line` to be an object"],
    [`${formatTrace([])}{}\n`, "Line 2 of the recording: Its `type` is missing or invalid"],
    [
      formatTrace([traceEvent("reserved", "a")]).replace(`"eventId":"a"`, `"eventId":7`),
      "Its `identity` is missing or invalid",
    ],
    [formatTrace([traceEvent("reserved", "a")]).replace(`"atMs":0`, `"atMs":"0"`), "Its `atMs` is missing or invalid"],
  ])("is refused if it is invalid: %j", (text, sentence) => {
    expect(() => parseTrace(text)).toThrow(sentence);
  });
});

describe("a deduplicator's event", () => {
  const fields = { identity: resolved, owner: "b", attempt: 2, fence: 3, revision: 4, atMs: 50_000, durationMs: 5 };
  const error = new RangeError("too much\nof a stack");
  it.each<readonly [DedupEventDetail, forMs: number, cause: string]>([
    [{ type: "reserved", leaseMs: 7 }, 7, ""],
    [{ type: "renewed", leaseMs: 8 }, 8, ""],
    [{ type: "dispatched" }, 0, ""],
    [{ type: "failed", error }, 0, "RangeError: too much"],
    [{ type: "committed", commit: "adopted" }, 0, "adopted"],
    [{ type: "superseded" }, 0, ""],
    [{ type: "unconfirmed", error }, 0, "RangeError: too much"],
    [{ type: "released", left: "nothing" }, 0, ""],
    [{ type: "released", left: "reservation" }, 0, "left to expire"],
    [{ type: "expired", reason: "shutdown" }, 0, "shutdown"],
    [{ type: "duplicate", committedAt: 49_000 }, 1_000, ""],
    [{ type: "duplicate", committedAt: 51_000 }, 0, ""],
    [{ type: "pending", retryAfterMs: 9 }, 9, ""],
    [{ type: "unprotected", error }, 0, "RangeError: too much"],
    [{ type: "store-unavailable", ambiguous: true, error }, 0, "RangeError: too much"],
    [{ type: "result-not-kept", error }, 0, "RangeError: too much"],
  ])("is recorded with its time and cause: %j", (detail, forMs, cause) => {
    const event: DedupEvent = { ...fields, ...detail };
    expect(tracer("a")(event)).toEqual({ ...fields, type: detail.type, replica: "a", forMs, cause });
  });

  it("is recorded with a short text for any thrown value", () => {
    expect(errorText("why")).toBe("why");
    expect(errorText({ secret: 1 })).toBe("");
    expect(errorText("x".repeat(300))).toBe(`${"x".repeat(200)}…`);
  });
});
