import { expect, it } from "vitest";
import { timelineOf } from "../../../src/inspect/page/state/timeline.ts";
import type { TraceEvent } from "../../../src/inspect/trace/trace-event.ts";
import { traceEvent } from "./samples.ts";

const a = (type: TraceEvent["type"], atMs = 0): TraceEvent => traceEvent(type, { replica: "a", atMs });
const b = (type: TraceEvent["type"], atMs = 0): TraceEvent => traceEvent(type, { replica: "b", atMs });

/** Returns the states of all lanes after each event. */
const lanes = (...trace: readonly TraceEvent[]): readonly string[] =>
  timelineOf(trace).rows.map(({ cells }) => cells.map(({ after }) => after).join(" "));

it("a timeline has a lane for each replica, and a row with the time since the previous event", () => {
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

it("a replica that lost its key is shown as lost until its handler ends", () => {
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

it("an empty trace has an empty timeline", () => {
  expect(timelineOf([])).toEqual({ lanes: [], rows: [] });
});

it("a reservation names the fence that it took over from, unless that holder settled its own", () => {
  const takeovers = (...trace: readonly TraceEvent[]): readonly (number | undefined)[] =>
    timelineOf(trace)
      .rows.filter(({ event }) => event.type === "reserved")
      .map(({ tookOverFrom }) => tookOverFrom);
  const first = traceEvent("reserved", { replica: "a", fence: 7 });
  const second = traceEvent("reserved", { replica: "b", fence: 9 });
  expect(takeovers(first, second)).toEqual([undefined, 7]);
  expect(takeovers(first, a("expired"), a("lapsed"), second)).toEqual([undefined, 7]);
  for (const end of ["committed", "released", "cleared"] as const) {
    expect(takeovers(first, a(end), second)).toEqual([undefined, undefined]);
  }
  expect(takeovers(first, first)).toEqual([undefined, undefined]);
});
