import { describe, expect, it } from "vitest";
import { explain } from "../../../src/inspect/page/state/explanation.ts";
import type { EventDetail, ShownRecord } from "../../../src/inspect/server/wire.ts";
import { TRACE_TYPES, type TraceEvent } from "../../../src/inspect/trace/trace-event.ts";
import { identity, traceEvent } from "./samples.ts";

const NOW = 10_000;
const held: ShownRecord = {
  state: "reserved",
  owner: "a",
  attempt: 2,
  fence: 7,
  revision: 8,
  leaseMs: 4_000,
  atMs: 9_000,
  heldMs: 0,
  hasResult: false,
};
const committed: ShownRecord = { ...held, state: "committed" };

const why = (trace: readonly TraceEvent[], record?: EventDetail["record"]) =>
  explain({ identity, record, trace }, { nowMs: NOW, skewMs: 0 });

describe("the explanation of the last delivery", () => {
  it("names the replica that committed the event, and the age of the commit, for a duplicate", () => {
    const { outcome, because } = why([
      traceEvent("committed"),
      traceEvent("duplicate", { replica: "b", forMs: 90_000 }),
    ]);
    expect(outcome).toBe("Suppressed");
    expect(because).toBe(
      "a had dispatched and committed the event 90 s earlier, so this delivery on b was a duplicate.",
    );
  });

  it("covers a duplicate on the committing replica, and a commit of unknown age", () => {
    expect(why([traceEvent("duplicate", { forMs: 5_000 })]).because).toContain(
      "a had dispatched and committed the event 5 s earlier",
    );
    expect(why([traceEvent("duplicate")]).because).toContain("committed the event earlier, so");
  });

  it("names the holder and the delay for a pending delivery", () => {
    const { outcome, because } = why([traceEvent("reserved"), traceEvent("pending", { replica: "b", forMs: 3_000 })]);
    expect(outcome).toBe("Pending");
    expect(because).toContain("a was dispatching the event, so this delivery on b comes back after 3 s.");
    expect(why([traceEvent("pending", { replica: "b", owner: "b" })]).because).toMatch(
      /^another caller was dispatching .* on b comes back\./,
    );
  });

  it.each([
    ["committed", "", "Dispatched", "the handler on a succeeded at attempt 1. The commit was confirmed."],
    ["committed", "adopted", "Dispatched", "no other replica had taken the key"],
    ["superseded", "", "Dispatched, perhaps twice", "another replica had taken the key"],
    ["unconfirmed", "Error: late", "Dispatched", "did not confirm the commit (Error: late)"],
    ["unprotected", "", "Dispatched without protection", "configured to dispatch anyway"],
    ["failed", "Error: 503", "Failed", "the handler on a failed (Error: 503)"],
    ["nak", "Error: 503", "Failed", "failed (Error: 503)"],
    ["store-unavailable", "Error: away", "Not dispatched", "a could not reach the store (Error: away)"],
    ["reserved", "", "In flight", "a holds the key at attempt 1 and has not finished"],
    ["expired", "lease-ended", "Still running", "the handler on a was aborted (lease-ended)"],
    ["lapsed", "", "Never finished", "the lease of a ended without a renewal"],
    ["crashed", "", "Never finished", "a crashed"],
    ["cleared", "", "Cleared", "an operator cleared the key"],
  ] as const)("covers %s %s", (type, cause, outcome, because) => {
    const explanation = why([traceEvent(type, { cause })]);
    expect(explanation.outcome).toBe(outcome);
    expect(explanation.because).toContain(because);
  });

  it("shows the handler's error although the last event is the release", () => {
    expect(why([traceEvent("failed", { cause: "Error: 503" }), traceEvent("released")]).because).toContain(
      "failed (Error: 503)",
    );
    expect(why([traceEvent("released")]).because).toContain("the handler on a failed, and");
  });

  it("follows from the last event that decides something", () => {
    const idle = ["delivered", "acknowledged", "frozen", "fault", "result-not-kept"];
    for (const type of TRACE_TYPES) {
      const { outcome } = why([traceEvent("duplicate"), traceEvent(type)]);
      if (idle.includes(type)) expect(outcome).toBe("Suppressed");
      else expect(outcome === "Suppressed").toBe(type === "duplicate");
    }
  });

  it("names the fence that a holder took over from, whose own holder did not finish", () => {
    const trace = [traceEvent("reserved"), traceEvent("reserved", { replica: "b", owner: "b", attempt: 2, fence: 9 })];
    expect(why(trace).because).toBe(
      "b holds the key at attempt 2 and has not finished. It took over from fence 7, whose holder did not finish.",
    );
  });

  it("shows the failure that the store remembers if no event is known", () => {
    const failure = { ...identity, owner: "b", attempt: 3, fence: 7, atMs: 8_000, error: "TypeError" };
    expect(explain({ identity, record: null, trace: [], failure }, { nowMs: NOW, skewMs: 0 })).toMatchObject({
      outcome: "Failed",
      because: "the handler on b failed 2 s ago at attempt 3 (TypeError).",
    });
  });

  it("falls back to the record if no event is known", () => {
    expect(why([], null).outcome).toBe("No delivery seen");
    expect(why([]).outcome).toBe("No delivery seen");
    expect(why([], held).because).toBe("a holds the key at attempt 2.");
    expect(why([], committed).because).toContain("a committed the event 1 s ago at attempt 2");
  });
});

describe("the outcome of the next delivery", () => {
  it("follows from the record, and is unknown in a recorded run", () => {
    expect(why([]).next).toBe("");
    expect(why([traceEvent("released")], null).next).toBe("The key is empty, so the next delivery is dispatched.");
    expect(why([], null).next).toContain("is dispatched");
    expect(why([], committed).next).toContain("is suppressed");
    expect(why([], held).next).toBe(
      "a has held the key for 1 s at attempt 2. The next delivery is pending for the rest of the lease, 3 s, or until the handler ends.",
    );
    expect(why([], { ...held, heldMs: 60_000 }).next).toContain("a has held the key for 61 s");
    expect(why([], { ...held, atMs: 1_000 }).next).toContain("The lease of a ended 5 s ago");
  });
});
