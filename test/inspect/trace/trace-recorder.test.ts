import { describe, expect, it } from "vitest";
import type { AnyStateNode as StateNode } from "xstate";
import { dedupKeyMachine } from "../../../machines/index.ts";
import { Lifecycle, OBSERVED_TRANSITIONS, statePathOf } from "../../../src/inspect/trace/lifecycle.ts";
import { NoticeLog } from "../../../src/inspect/trace/notice-log.ts";
import { Series } from "../../../src/inspect/trace/series.ts";
import type { TraceEvent } from "../../../src/inspect/trace/trace-event.ts";
import { DEFAULT_LIMITS, TraceRecorder } from "../../../src/inspect/trace/trace-recorder.ts";
import { traceEvent } from "./trace-events.ts";

const counted = (...trace: readonly TraceEvent[]) => {
  const recorder = new TraceRecorder();
  for (const event of trace) recorder.record(event);
  return Object.fromEntries(recorder.lifecycle.counts);
};

describe("the observed transitions", () => {
  it.each(OBSERVED_TRANSITIONS)("exist in the machine: %s", (transition) => {
    const [from = "", event = "", to = ""] = transition.split(" ");
    const node = from.split(".").reduce<StateNode | undefined>((at, name) => at?.states[name], dedupKeyMachine.root);
    const targets = (node?.transitions.get(event) ?? []).flatMap((one) => one.target ?? []);
    const isTo = ({ path }: { readonly path: readonly string[] }): boolean =>
      path.join(".") === to || to.startsWith(`${path.join(".")}.`);
    expect(targets.some(isTo)).toBe(true);
  });

  it("are counted along the path that was taken", () => {
    expect(counted(traceEvent("reserved", "a"), traceEvent("dispatched", "a"), traceEvent("committed", "a"))).toEqual({
      "unseen.claiming write.acked reserved": 1,
      "reserved.dispatching handler.succeeded reserved.committing": 1,
      "reserved.committing.writing write.acked committed": 1,
    });
    const lost = [traceEvent("reserved", "a"), traceEvent("expired", "a", { cause: "lease-ended" })];
    expect(
      counted(...lost, traceEvent("dispatched", "a"), traceEvent("committed", "a", { cause: "adopted" })),
    ).toMatchObject({
      "reserved.dispatching lease.ended expired": 1,
      "expired.dispatching handler.succeeded expired.committing": 1,
      "expired.committing.writing write.acked committed": 1,
    });
    expect(counted(...lost, traceEvent("failed", "a"), traceEvent("released", "a"))).toMatchObject({
      "expired.dispatching handler.failed expired.releasing": 1,
      "expired.releasing.removing removed released": 1,
    });
    expect(counted(...lost, traceEvent("superseded", "a"))).toMatchObject({
      "expired.committing found.reservation superseded": 1,
    });
    expect(counted(...lost, traceEvent("unconfirmed", "a"))).toMatchObject({
      "expired.committing.backingOff retry.due unconfirmed": 1,
    });
    expect(counted(...lost, traceEvent("released", "a", { cause: "left to expire" }))).toMatchObject({
      "expired.dispatching handler.failed expired.releasing": 1,
      "expired.releasing store.unreachable released": 1,
    });
    expect(counted(traceEvent("superseded", "a"), traceEvent("unconfirmed", "a"))).toEqual({
      "reserved.committing found.reservation superseded": 1,
      "reserved.committing.backingOff retry.due unconfirmed": 1,
    });
    expect(counted(traceEvent("released", "a", { cause: "left to expire" }))).toEqual({
      "reserved.releasing store.unreachable released": 1,
    });
    for (const cause of ["superseded", "shutdown"]) {
      const [transition = ""] = Object.keys(counted(traceEvent("expired", "a", { cause })));
      expect(transition).toMatch(/^reserved\.dispatching (found\.reservation|shutdown) expired/);
    }
  });

  it("include the handler's return if only the commit or release was seen", () => {
    const seen = (type: "committed" | "released") => counted(traceEvent("reserved", "a"), traceEvent(type, "a"));
    expect(seen("committed")).toHaveProperty(["reserved.dispatching handler.succeeded reserved.committing"], 1);
    expect(seen("released")).toHaveProperty(["reserved.dispatching handler.failed reserved.releasing"], 1);
    const late = [traceEvent("reserved", "a"), traceEvent("expired", "a"), traceEvent("committed", "a")];
    expect(counted(...late)).toHaveProperty(["expired.dispatching handler.succeeded expired.committing"], 1);
    expect([...new Lifecycle().counts]).toEqual([]);
  });

  it("lead to the states of attempts", () => {
    expect(statePathOf({ hold: "held", phase: "running" })).toBe("reserved.dispatching");
    expect(statePathOf({ hold: "lost", phase: "committing" })).toBe("expired.committing");
  });
});

describe("what needs attention", () => {
  it("is listed once for each event, latest last, and resolved by the event's commit", () => {
    const attention = new NoticeLog(10);
    attention.take(traceEvent("expired", "a", { cause: "lease-ended", atMs: 1 }));
    attention.take(traceEvent("lapsed", "b"));
    attention.take(traceEvent("expired", "a", { cause: "shutdown", atMs: 2 }));
    attention.take(traceEvent("superseded", "a"));
    attention.take(traceEvent("reserved", "c", { attempt: 3 }));
    attention.take(traceEvent("reserved", "c", { attempt: 4 }));
    attention.take(traceEvent("store-unavailable", "c"));
    attention.take(traceEvent("store-unavailable", "d"));
    attention.take(traceEvent("committed", "a"));
    expect([...attention].map(({ concern, times, resolved }) => [concern, times, resolved])).toEqual([
      ["lapsed", 1, false],
      ["expired", 2, true],
      ["superseded", 1, false],
      ["retried", 1, false],
      ["store-unavailable", 2, false],
    ]);
    const { version } = attention;
    attention.take(traceEvent("duplicate", "a"));
    attention.take(traceEvent("pending", "a"));
    expect(attention.version).toBe(version);
  });

  it("is forgotten above the limit, oldest first", () => {
    const attention = new NoticeLog(2);
    for (const id of ["a", "b", "c"]) attention.take(traceEvent("unprotected", id));
    expect([...attention].map(({ identity }) => identity.eventId)).toEqual(["b", "c"]);
    attention.take(traceEvent("committed", "a"));
    expect([...attention].every(({ resolved }) => !resolved)).toBe(true);
  });
});

it("a series has the latest buckets with events, in the order of time", () => {
  const series = new Series(1_000, 2);
  series.take("committed", 500);
  series.take("released", 2_100);
  series.take("reserved", 2_200);
  series.take("lapsed", 2_300);
  series.take("superseded", 1_900);
  expect(series.since(0)).toEqual([
    { fromMs: 1_000, counts: [0, 0, 0, 0, 0, 1] },
    { fromMs: 2_000, counts: [0, 0, 0, 1, 1, 0] },
  ]);
  expect(series.since(2_500)).toHaveLength(1);
  expect(DEFAULT_LIMITS.points).toBeGreaterThan(100);
});
