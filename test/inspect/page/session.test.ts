import { describe, expect, it } from "vitest";
import { overlaps } from "../../../src/inspect/chart/geometry.ts";
import { textSize } from "../../../src/inspect/chart/layout.ts";
import { attemptsIn, chart, countOf, drawingOf, labelOf } from "../../../src/inspect/page/state/machine-view.ts";
import { Session } from "../../../src/inspect/page/state/session.ts";
import { summaryOf } from "../../../src/inspect/page/state/summary.ts";
import { chartColumns, roundTop, stacked } from "../../../src/inspect/page/state/totals-chart.ts";
import { attempt, overview, source, traceEvent } from "./samples.ts";

const CLAIM = "unseen.claiming write.acked reserved";

function begun(...attempts: readonly Parameters<typeof attempt>[0][]): Session {
  const session = new Session();
  session.take({ type: "begin", source, overview: overview({ transitions: { [CLAIM]: 4 } }) });
  session.take({ type: "update", attempts: attempts.map((number) => attempt(number)), gone: [], more: false });
  return session;
}

describe("a session", () => {
  it("is complete once all attempts in flight were received", () => {
    const session = new Session();
    expect(session.source).toBeUndefined();
    session.take({ type: "begin", source, overview: overview() });
    session.take({ type: "update", attempts: [attempt(1)], gone: [], more: true });
    expect(session.isComplete).toBe(false);
    session.take({ type: "update", attempts: [attempt(2)], gone: [], more: false });
    expect(session.isComplete).toBe(true);
    expect(session.attempts.size).toBe(2);
  });

  it("counts the attempts in each state as they begin, change and end", () => {
    const session = begun(1, 2);
    expect(session.countIn("reserved")).toBe(2);
    session.take({
      type: "update",
      attempts: [attempt(1, { phase: "committing" })],
      gone: ["key-2", "unknown"],
      more: false,
    });
    expect(session.countIn("reserved")).toBe(1);
    expect(session.countIn("reserved.committing")).toBe(1);
    expect(session.countIn("reserved.dispatching")).toBe(0);
    expect(session.countIn("expired")).toBe(0);
  });

  it("knows which keys the last message mentioned", () => {
    const session = begun(1);
    session.take({
      type: "update",
      overview: overview({ trace: [traceEvent("duplicate")] }),
      attempts: [attempt(2)],
      gone: ["key-1"],
      more: false,
    });
    expect(["w.s.d", "key-1", "key-2", "key-3"].map((key) => session.hasChanged(key))).toEqual([
      true,
      true,
      true,
      false,
    ]);
  });

  it("keeps the latest events, notices and points, and starts from scratch on request", () => {
    const session = begun(1);
    const trace = Array.from({ length: 150 }, (_, index) => traceEvent("renewed", { atMs: index }));
    const points = Array.from({ length: 700 }, (_, index) => ({ fromMs: index * 1_000, counts: [1] }));
    const notice = {
      concern: "expired",
      identity: traceEvent("expired").identity,
      replica: "a",
      attempt: 1,
      cause: "",
      atMs: 1,
      times: 1,
      resolved: false,
    } as const;
    session.take({
      type: "update",
      overview: overview({ trace, points, notices: [notice] }),
      attempts: [],
      gone: [],
      more: false,
    });
    session.take({ type: "update", overview: overview({ trace }), attempts: [], gone: [], more: false });
    expect(session.trace).toHaveLength(200);
    expect(session.notices).toEqual([notice]);
    expect(session.firstPointMs).toBe(100_000);
    session.take({ type: "begin", source, overview: overview() });
    expect([session.trace.length, session.notices.length, session.attempts.size, session.firstPointMs]).toEqual([
      0,
      0,
      0,
      undefined,
    ]);
    expect(session.countIn("reserved")).toBe(0);
  });
});

describe("rates", () => {
  const COMMIT = "reserved.committing.writing write.acked committed";

  it("are 0 before the first message", () => {
    expect(new Session().rates.perSecond(CLAIM, 1_000)).toBe(0);
  });

  it("cover the last seconds, and fall to 0 without new transitions", () => {
    const session = begun();
    expect(session.rates.perSecond(CLAIM, 10_100)).toBe(0);
    expect(session.rates.lastLit(CLAIM)).toBe(0);
    for (const [nowMs, taken] of [
      [11_000, 14],
      [12_000, 24],
    ] as const) {
      session.take({
        type: "update",
        overview: overview({ nowMs, transitions: { [CLAIM]: taken, [COMMIT]: nowMs === 12_000 ? 3 : 0 } }),
        attempts: [],
        gone: [],
        more: false,
      });
    }
    expect(session.rates.total(CLAIM)).toBe(24);
    expect(session.rates.perSecond(CLAIM, 12_000)).toBe(10);
    expect(session.rates.lastLit(CLAIM)).toBe(24);
    // The first message did not contain it.
    expect([session.rates.lastLit(COMMIT), session.rates.perSecond(COMMIT, 12_000)]).toEqual([3, 1.5]);
    expect(session.rates.perSecond(CLAIM, 60_000)).toBe(0);
    expect(session.rates.perSecond("never", 12_000)).toBe(0);
  });
});

describe("the machine", () => {
  it("has words between collapsed states, and event names around expanded ones", () => {
    const folded = drawingOf(new Set());
    expect(folded.boxes).toHaveLength(9);
    expect(folded.lines.flatMap(({ text }) => text)).toContain("claimed");
    const unfolded = drawingOf(new Set(["reserved"]));
    expect(unfolded.boxes.length).toBeGreaterThan(9);
    const labels = unfolded.lines.map(({ transitions }) => labelOf(transitions, new Set(["reserved"])));
    expect(labels).toContain("handler.succeeded");
    expect(labels.some((label) => / \+\d$/.test(label))).toBe(true);
  });

  it("has no overlapping labels with any two states expanded", () => {
    const compound = ["unseen", "reserved", "expired"];
    for (const one of compound) {
      for (const other of compound) {
        const labels = drawingOf(new Set([one, other])).lines.map(({ label, text }) => ({
          ...label,
          ...textSize(text),
        }));
        for (const [index, label] of labels.entries()) {
          expect(labels.slice(index + 1).some((next) => overlaps(label, next))).toBe(false);
        }
      }
    }
  });

  it("has words for every line between its folded states", () => {
    const labels = drawingOf(new Set()).lines.map(({ transitions }) => labelOf(transitions, new Set()));
    for (const label of labels) expect(label).not.toMatch(/\./);
  });

  it("counts the attempts in a state, the total of a final state, and the transitions of a line", () => {
    const session = begun(1, 2);
    const stateOf = (id: string) => chart.states.find((state) => state.id === id) ?? expect.fail(id);
    expect(attemptsIn(stateOf("reserved"), session)).toEqual({ value: 2, isTotal: false });
    expect(attemptsIn(stateOf("committed"), session)).toEqual({ value: 0, isTotal: true });
    expect(attemptsIn(stateOf("unseen"), session)).toBeUndefined();
    const claim = drawingOf(new Set()).lines.find(({ from, to }) => from === "unseen" && to === "reserved");
    expect(claim && countOf(claim, session, 10_000)).toEqual({ total: 4, perSecond: 0, lit: 0 });
  });
});

describe("the chart", () => {
  const NOTHING = { dispatched: 0, duplicates: 0, pending: 0, failures: 0, expired: 0, superseded: 0 };

  it("shows at least half a minute, grows with the data, and includes empty seconds", () => {
    const session = begun();
    expect(chartColumns(session, 10_000, 120)).toHaveLength(30);
    session.take({
      type: "update",
      overview: overview({ points: [{ fromMs: 2_000, counts: [3, 0, 0, 0, 0, 1] }] }),
      attempts: [],
      gone: [],
      more: false,
    });
    const columns = chartColumns(session, 52_500, 120);
    expect(columns).toHaveLength(51);
    expect(columns[0]).toEqual({ fromMs: 2_000, counts: { ...NOTHING, dispatched: 3, superseded: 1 } });
    expect(columns.at(-1)).toEqual({ fromMs: 52_000, counts: NOTHING });
    expect(chartColumns(session, 500_000, 120)).toHaveLength(120);
  });

  it("stacks the visible series, and gives every bar a minimum height", () => {
    const columns = [
      { fromMs: 0, counts: { ...NOTHING, dispatched: 960, expired: 1 } },
      { fromMs: 1_000, counts: NOTHING },
    ];
    const { top, bars } = stacked(columns, new Set(["dispatched", "expired"]));
    expect(top).toBe(1_000);
    expect(bars.get("dispatched")).toEqual([{ column: 0, from: 0, to: 0.96 }]);
    expect(bars.get("expired")).toEqual([{ column: 0, from: 0.96, to: 0.98 }]);
    expect(bars.has("pending")).toBe(false);
    expect(stacked(columns, new Set(["expired"])).top).toBe(5);
  });

  it("ends at a round number", () => {
    expect([0, 5, 6, 11, 21, 99, 1_001].map(roundTop)).toEqual([5, 5, 10, 20, 50, 100, 2_000]);
  });
});

describe("the summary", () => {
  const sentence = (session: Session): string =>
    summaryOf(session)
      .map(({ text }) => text)
      .join("");

  it("reports the outcomes of all deliveries", () => {
    const session = new Session();
    const totals = { committed: 3, superseded: 1, duplicate: 1, pending: 2, released: 1 };
    session.take({ type: "begin", source, overview: overview({ totals }) });
    expect(sentence(session)).toBe(
      "Of 8 deliveries, 4 were dispatched; 1 was a duplicate and was suppressed; 2 found the event pending on another replica and come back; 1 failed and released its key.",
    );
  });

  it("counts one event in the singular", () => {
    const session = new Session();
    session.take({ type: "begin", source, overview: overview({ totals: { pending: 1 } }) });
    expect(sentence(session)).toContain("Of 1 delivery, 0 were dispatched; ");
    expect(sentence(session)).toContain("1 found the event pending on another replica and comes back; ");
    session.take({ type: "begin", source, overview: overview({ totals: { committed: 1 } }) });
    expect(sentence(session)).toContain("Of 1 delivery, 1 was dispatched; ");
    const cluster = { ...source, sees: "cluster" } as const;
    session.take({ type: "begin", source: cluster, overview: overview({ totals: { committed: 1 } }) });
    expect(sentence(session)).toContain("1 event was dispatched and committed, ");
  });

  it("reports only what the store shows for a cluster", () => {
    const session = new Session();
    session.take({
      type: "begin",
      source: { ...source, sees: "cluster" },
      overview: overview({ totals: { committed: 3, released: 2 } }),
    });
    expect(sentence(session)).toBe("3 events were dispatched and committed, 2 failed and released their keys.");
  });
});
