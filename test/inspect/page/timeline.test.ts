import { expect, it } from "vitest";
import { timelineOf } from "../../../src/inspect/page/state/timeline.ts";
import type { TraceEvent } from "../../../src/inspect/trace/trace-event.ts";
import { step } from "./traced.ts";

const a = (type: TraceEvent["type"], atMs = 0): TraceEvent => step(type, { replica: "a", atMs });
const b = (type: TraceEvent["type"], atMs = 0): TraceEvent => step(type, { replica: "b", atMs });

/** What each lane is after each step. */
const lanes = (...steps: readonly TraceEvent[]): readonly string[] =>
  timelineOf(steps).rows.map(({ cells }) => cells.map(({ after }) => after).join(" "));

it("a lane is a replica, in the order in which they come; a row says how long after the others it was", () => {
  const { lanes: names, rows } = timelineOf([a("reserved", 100), b("pending", 150), a("committed", 400)]);
  expect(names).toEqual(["a", "b"]);
  expect(rows.map(({ sinceFirstMs, sinceLastMs }) => [sinceFirstMs, sinceLastMs])).toEqual([
    [0, 0],
    [50, 50],
    [300, 250],
  ]);
  expect(rows[1]?.cells).toEqual([
    { before: "held", after: "held", isHere: false },
    { before: "idle", after: "idle", isHere: true },
  ]);
});

it("a replica holds the key from its reservation to its end", () => {
  expect(lanes(a("reserved"), a("renewed"), a("dispatched"), a("committed"))).toEqual(["held", "held", "held", "idle"]);
  expect(lanes(a("renewed"), a("failed"), a("released"))).toEqual(["held", "held", "idle"]);
});

it("who is told that the lease ended, or whose key another takes, runs on without it", () => {
  expect(lanes(a("reserved"), a("expired"), a("dispatched"), a("superseded"))).toEqual([
    "held",
    "lost",
    "lost",
    "idle",
  ]);
  expect(lanes(a("reserved"), b("reserved"), b("committed"), a("superseded"))).toEqual([
    "held idle",
    "lost held",
    "lost idle",
    "idle idle",
  ]);
  expect(lanes(a("unprotected"))).toEqual(["lost"]);
});

it("nothing at all is an empty timeline", () => {
  expect(timelineOf([])).toEqual({ lanes: [], rows: [] });
});
