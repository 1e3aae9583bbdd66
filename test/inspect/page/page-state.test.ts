import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { areEvents, isDetail, isMessage, isRemoved } from "../../../src/inspect/page/state/answers.ts";
import { concerns } from "../../../src/inspect/page/state/concerns.ts";
import { detailOf, kinds } from "../../../src/inspect/page/state/events.ts";
import { readRecording } from "../../../src/inspect/page/state/playback.ts";
import { removalOf } from "../../../src/inspect/page/state/removal.ts";
import { hashOf, type Route, routeOf, tokenIn } from "../../../src/inspect/page/state/route.ts";
import { Session } from "../../../src/inspect/page/state/session.ts";
import { rowWindow } from "../../../src/inspect/page/state/window.ts";
import { TRACE_TYPES } from "../../../src/inspect/trace/trace-event.ts";
import { formatTrace } from "../../../src/inspect/trace/trace-text.ts";
import { identity, step } from "./traced.ts";

describe("an address", () => {
  it.each<Route>([
    { view: "overview" },
    { view: "flights" },
    { view: "totals" },
    { view: "event", storeKey: "" },
    { view: "event", storeKey: "a/b#c %41" },
  ])("of $view leads back to it", (route) => {
    expect(routeOf(hashOf(route))).toEqual(route);
  });

  it("that leads nowhere leads to the overview", () => {
    expect(["", "#", "#/nowhere", "#token=abc"].map(routeOf)).toEqual(
      Array.from({ length: 4 }, () => ({ view: "overview" })),
    );
    expect(routeOf("#/event/%")).toEqual({ view: "event", storeKey: "" });
  });

  it("may carry a token", () => {
    expect(["#token=abc-_1", "#/flights", "#token=a b"].map(tokenIn)).toEqual(["abc-_1", undefined, undefined]);
  });
});

it("the rows of a window cover what is in sight, and with the room around them the whole list", () => {
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

describe("a question before something is removed by hand", () => {
  const holds = { owner: "a", attempt: 1, fence: 7, revision: 9, leaseMs: 4_000, atMs: 1_000, hasResult: false };

  it("says of a reservation that the event may run twice", () => {
    const { verb, revision, title, consequences } = removalOf(identity, { ...holds, state: "reserved" }, 2_000);
    expect([verb, revision, title]).toEqual(["Release", 9, "Take evt-1 from a?"]);
    expect(consequences.join(" ")).toContain("runs twice");
  });

  it("says of a commit that the next delivery is dispatched", () => {
    const { verb, title, consequences } = removalOf(identity, { ...holds, state: "committed" }, 61_000);
    expect([verb, title]).toEqual(["Clear", "Let evt-1 fire again?"]);
    expect(consequences[0]).toBe("The store forgets that a dispatched it 60 s ago.");
  });
});

describe("a step in words", () => {
  it("of each kind has a word and a meaning", () => {
    for (const type of TRACE_TYPES) expect(kinds[type].meaning).toMatch(/^[A-Z].{10,}[^.]$/);
    for (const { advice } of Object.values(concerns)) expect(advice).toMatch(/\.$/);
  });

  it("has its particulars and its cause", () => {
    expect(detailOf(step("reserved", { forMs: 30_000, fence: 1_234 }))).toBe("attempt 1 · fence 1,234 · lease 30 s");
    expect(detailOf(step("renewed", { forMs: 30_000 }))).toBe("lease 30 s");
    expect(detailOf(step("duplicate", { forMs: 5_000 }))).toBe("committed by a 5 s before");
    expect(detailOf(step("duplicate"))).toBe("");
    expect(detailOf(step("pending", { replica: "b", forMs: 5_000 }))).toBe("held by a · again in 5 s");
    expect(detailOf(step("pending"))).toBe("");
    expect(detailOf(step("put-back", { forMs: 5_000, cause: "Error: no" }))).toBe("again in 5 s · Error: no");
    expect(detailOf(step("put-back"))).toBe("");
    expect(detailOf(step("delivered", { attempt: 3 }))).toBe("delivery 3");
    expect(detailOf(step("failed", { cause: "Error: no" }))).toBe("Error: no");
  });
});

describe("a recording", () => {
  const steps = [
    step("reserved", { forMs: 500 }),
    step("dispatched", { atMs: 1_200 }),
    step("committed", { atMs: 1_300 }),
  ];
  const sessionAt = (position: number): Session => {
    const session = new Session();
    for (const message of readRecording("run.ndjson", formatTrace(steps)).seek(position)) session.take(message);
    return session;
  };

  it("is shown as far as one has come in it", () => {
    expect(sessionAt(1).countIn("reserved.dispatching")).toBe(1);
    expect(sessionAt(2).countIn("reserved.committing")).toBe(1);
    expect(sessionAt(3).flights.size).toBe(0);
    expect(sessionAt(3).totals).toMatchObject({ reserved: 1, committed: 1 });
    expect(sessionAt(3).source).toMatchObject({ sees: "file", name: "run.ndjson", canChange: false });
  });

  it("can be gone through to and fro", () => {
    const recording = readRecording("run.ndjson", formatTrace(steps));
    recording.seek(3);
    expect(recording.detail("w.s.d")?.steps).toHaveLength(3);
    recording.seek(1);
    expect(recording.position).toBe(1);
    expect(recording.detail("w.s.d")?.steps).toHaveLength(1);
    recording.seek(0);
    expect(recording.detail("w.s.d")).toBeUndefined();
  });

  it("finds its events, the latest first", () => {
    const other = step("pending", { identity: { ...identity, storeKey: "w.s.e", eventId: "evt-2" } });
    const recording = readRecording("run.ndjson", formatTrace([...steps, other]));
    expect(recording.find("evt", 5).map(({ eventId }) => eventId)).toEqual(["evt-2", "evt-1"]);
    expect(recording.find("evt", 1)).toHaveLength(1);
    expect(recording.find("2", 5)).toHaveLength(1);
  });

  it("without a step is refused, and so is what is none", () => {
    expect(() => readRecording("empty", formatTrace([]))).toThrow("It holds no step");
    expect(() => readRecording("other", "hello")).toThrow("Line 1 of the history: It is not JSON");
  });
});

it("what the server does not answer is told from what it does", () => {
  const all = [null, "text", {}, [], { type: "else" }, { identity: {}, steps: "" }, { removed: false }, [1]];
  expect(all.filter(isMessage)).toEqual([]);
  expect(all.filter(isDetail)).toEqual([]);
  expect(all.filter(isRemoved)).toEqual([]);
  expect(all.filter(areEvents)).toEqual([[]]);
  expect(isMessage({ type: "begin" }) && isMessage({ type: "update" })).toBe(true);
  expect(isDetail({ identity, steps: [] }) && isRemoved({ removed: true }) && areEvents([identity])).toBe(true);
});
