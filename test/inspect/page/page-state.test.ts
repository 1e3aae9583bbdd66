import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { concernWords } from "../../../src/inspect/page/state/concern-words.ts";
import { detailOf, eventWords } from "../../../src/inspect/page/state/event-words.ts";
import { readRecording } from "../../../src/inspect/page/state/playback.ts";
import {
  areRows,
  isDetail,
  isKeyPage,
  isMessage,
  isRemovalCounts,
  isSearchResult,
} from "../../../src/inspect/page/state/response-guards.ts";
import { hashOf, type Route, routeOf, tokenIn } from "../../../src/inspect/page/state/route.ts";
import { rowWindow } from "../../../src/inspect/page/state/row-window.ts";
import { Session } from "../../../src/inspect/page/state/session.ts";
import { ALL_KEYS } from "../../../src/inspect/server/key-query.ts";
import { TRACE_TYPES } from "../../../src/inspect/trace/trace-event.ts";
import { formatTrace } from "../../../src/inspect/trace/trace-text.ts";
import { identity, traceEvent } from "./samples.ts";

describe("an address", () => {
  it.each<Route>([
    { view: "overview" },
    { view: "in-flight" },
    { view: "totals" },
    { view: "keys", query: ALL_KEYS },
    {
      view: "keys",
      query: { ...ALL_KEYS, event: "a&b=c ü", state: "committed", sort: "owner", isDown: false, page: 3 },
    },
    { view: "event", storeKey: "" },
    { view: "event", storeKey: "a/b#c %41" },
  ])("is read as the route that wrote it: $view", (route) => {
    expect(routeOf(hashOf(route))).toEqual(route);
  });

  it("leads to the overview if it is unknown", () => {
    expect(["", "#", "#/nowhere", "#token=abc"].map(routeOf)).toEqual(
      Array.from({ length: 4 }, () => ({ view: "overview" })),
    );
    expect(routeOf("#/event/%")).toEqual({ view: "event", storeKey: "" });
  });

  it("can contain a token", () => {
    expect(["#token=abc-_1", "#/in-flight", "#token=a b"].map(tokenIn)).toEqual(["abc-_1", undefined, undefined]);
  });
});

it("the rendered rows cover the visible area, and the spacers cover the rest of the list", () => {
  const sizes = fc.record({
    rows: fc.nat(100_000),
    top: fc.nat(5_000_000),
    height: fc.integer({ min: 1, max: 2_000 }),
  });
  fc.assert(
    fc.property(sizes, ({ rows, top, height }) => {
      const { from, to, aboveHeight, belowHeight } = rowWindow(rows, 44, top, height);
      expect(aboveHeight + Math.max(0, to - from) * 44 + belowHeight).toBe(Math.max(rows, from) * 44);
      const [first, last] = [Math.floor(top / 44), Math.min(rows, Math.ceil((top + height) / 44)) - 1];
      if (first > last) return;
      expect(from).toBeLessThanOrEqual(first);
      expect(to).toBeGreaterThan(last);
    }),
  );
});

describe("the words for an event", () => {
  it("contain a word and a meaning for each type", () => {
    for (const type of TRACE_TYPES) expect(eventWords[type].meaning).toMatch(/^[A-Z].{10,}[^.]$/);
    for (const { advice } of Object.values(concernWords)) expect(advice).toMatch(/\.$/);
  });

  it("contain details and the cause", () => {
    expect(detailOf(traceEvent("reserved", { forMs: 30_000, fence: 1_234 }))).toBe(
      "attempt 1 · fence 1,234 · lease 30 s",
    );
    expect(detailOf(traceEvent("renewed", { forMs: 30_000 }))).toBe("lease 30 s");
    expect(detailOf(traceEvent("duplicate", { forMs: 5_000 }))).toBe("committed by a 5 s before");
    expect(detailOf(traceEvent("duplicate"))).toBe("");
    expect(detailOf(traceEvent("pending", { replica: "b", forMs: 5_000 }))).toBe("held by a · again in 5 s");
    expect(detailOf(traceEvent("pending"))).toBe("");
    expect(detailOf(traceEvent("nak", { forMs: 5_000, cause: "Error: no" }))).toBe("again in 5 s · Error: no");
    expect(detailOf(traceEvent("nak"))).toBe("");
    expect(detailOf(traceEvent("delivered", { attempt: 3 }))).toBe("delivery 3");
    expect(detailOf(traceEvent("failed", { cause: "Error: no" }))).toBe("Error: no");
  });
});

describe("a recording", () => {
  const trace = [
    traceEvent("reserved", { forMs: 500 }),
    traceEvent("dispatched", { atMs: 1_200 }),
    traceEvent("committed", { atMs: 1_300 }),
  ];
  const sessionAt = (position: number): Session => {
    const session = new Session();
    for (const message of readRecording("run.ndjson", formatTrace(trace)).seek(position)) session.take(message);
    return session;
  };

  it("is shown up to the current position", () => {
    expect(sessionAt(1).countIn("reserved.dispatching")).toBe(1);
    expect(sessionAt(2).countIn("reserved.committing")).toBe(1);
    expect(sessionAt(3).attempts.size).toBe(0);
    expect(sessionAt(3).totals).toMatchObject({ reserved: 1, committed: 1 });
    expect(sessionAt(3).source).toMatchObject({ sees: "file", name: "run.ndjson", canChange: false });
  });

  it("can be played forwards and backwards", () => {
    const recording = readRecording("run.ndjson", formatTrace(trace));
    recording.seek(3);
    expect(recording.detail("w.s.d")?.trace).toHaveLength(3);
    recording.seek(1);
    expect(recording.position).toBe(1);
    expect(recording.detail("w.s.d")?.trace).toHaveLength(1);
    recording.seek(0);
    expect(recording.detail("w.s.d")).toBeUndefined();
  });

  it("finds its events, latest first", () => {
    const other = traceEvent("pending", { identity: { ...identity, storeKey: "w.s.e", eventId: "evt-2" } });
    const recording = readRecording("run.ndjson", formatTrace([...trace, other]));
    expect(recording.find("evt", 5).events.map(({ identity: { eventId } }) => eventId)).toEqual(["evt-2", "evt-1"]);
    expect(recording.find("evt", 1).events).toHaveLength(1);
    expect(recording.find("2", 5).events).toHaveLength(1);
  });

  it("makes invisible characters of its texts visible", () => {
    const spoofed = traceEvent("reserved", { identity: { ...identity, eventId: "evt\u202e" }, owner: "a\u200b" });
    const [event] = readRecording("run.ndjson", formatTrace([spoofed])).trace;
    expect([event?.identity.eventId, event?.owner]).toEqual(["evt\\u{202e}", "a\\u{200b}"]);
  });

  it("is refused if it is empty or no recording", () => {
    expect(() => readRecording("empty", formatTrace([]))).toThrow("The run is empty");
    expect(() => readRecording("other", "hello")).toThrow("Line 1 of the history: It is not JSON");
  });
});

it("responses that are not from the inspector are recognised", () => {
  const all = [null, "text", {}, [], { type: "else" }, { identity: {}, trace: "" }, { removed: false }, [1]];
  expect(all.filter(isMessage)).toEqual([]);
  expect(all.filter(isDetail)).toEqual([]);
  expect(all.filter(isRemovalCounts)).toEqual([]);
  expect(all.filter(areRows)).toEqual([[]]);
  expect(all.filter(isKeyPage)).toEqual([]);
  expect(all.filter(isSearchResult)).toEqual([]);
  expect(isKeyPage({ rows: [], matching: 0 }) && isSearchResult({ events: [], incomplete: "" })).toBe(true);
  expect(isMessage({ type: "begin" }) && isMessage({ type: "update" })).toBe(true);
  expect(
    isDetail({ identity, trace: [] }) &&
      isRemovalCounts({ removed: 1, changed: 0 }) &&
      areRows([{ identity, state: "none" }]),
  ).toBe(true);
});
