import { describe, expect, it } from "vitest";
import { whyOf } from "../../../src/inspect/page/state/why.ts";
import type { EventDetail, ShownRecord } from "../../../src/inspect/server/wire.ts";
import { TRACE_TYPES, type TraceEvent } from "../../../src/inspect/trace/trace-event.ts";
import { identity, step } from "./traced.ts";

const NOW = 10_000;
const held: ShownRecord = {
  state: "reserved",
  owner: "a",
  attempt: 2,
  fence: 7,
  revision: 8,
  leaseMs: 4_000,
  atMs: 9_000,
  hasResult: false,
};
const committed: ShownRecord = { ...held, state: "committed" };

const why = (steps: readonly TraceEvent[], holds?: EventDetail["holds"]) => whyOf({ identity, holds, steps }, NOW);

describe("why the last delivery of an event", () => {
  it("was suppressed: who had committed it, and how long before", () => {
    const { fate, because } = why([step("committed"), step("duplicate", { replica: "b", forMs: 90_000 })]);
    expect(fate).toBe("Suppressed");
    expect(because).toBe(
      "a had dispatched the event and committed it 90 s before, so that this delivery, on b, was a duplicate.",
    );
  });

  it("was suppressed on the replica that had committed it, or nobody knows when", () => {
    expect(why([step("duplicate", { forMs: 5_000 })]).because).toContain(
      "the event had been dispatched and committed 5 s before",
    );
    expect(why([step("duplicate")]).because).toContain("committed before");
  });

  it("was put back: who held the key, and when it comes again", () => {
    const { fate, because } = why([step("reserved"), step("pending", { replica: "b", forMs: 3_000 })]);
    expect(fate).toBe("Put back");
    expect(because).toContain(
      "a held the key and was dispatching the event, so that this delivery, on b, comes back after 3 s.",
    );
    expect(why([step("pending", { replica: "b", owner: "b" })]).because).toMatch(
      /^somebody else held .* on b, comes back\./,
    );
  });

  it.each([
    ["committed", "", "Dispatched", "a got the key, at attempt 1, and its handler succeeded. The commit stands."],
    ["committed", "adopted", "Dispatched", "nobody had taken the key"],
    ["superseded", "", "Dispatched, perhaps twice", "another replica had taken the key"],
    ["unconfirmed", "Error: late", "Dispatched", "did not confirm the commit (Error: late)"],
    ["unprotected", "", "Dispatched unprotected", "configured to dispatch all the same"],
    ["failed", "Error: 503", "Dispatched without success", "the handler on a failed (Error: 503)"],
    ["put-back", "Error: 503", "Dispatched without success", "failed (Error: 503)"],
    ["store-unavailable", "Error: away", "Not dispatched", "who holds the key (Error: away)"],
    ["reserved", "", "Being dispatched", "a holds the key, at attempt 1, and has not finished"],
    ["expired", "lease-ended", "Still running", "told to stop (lease-ended)"],
    ["lapsed", "", "Never finished", "the lease of a ended without a word"],
    ["crashed", "", "Never finished", "a crashed"],
    ["cleared", "", "Removed by hand", "somebody removed what the key held"],
  ] as const)("is told of %s %s", (type, cause, fate, because) => {
    const told = why([step(type, { cause })]);
    expect(told.fate).toBe(fate);
    expect(told.because).toContain(because);
  });

  it("failed: the error is that of the handler, though the last step is the release", () => {
    expect(why([step("failed", { cause: "Error: 503" }), step("released")]).because).toContain("failed (Error: 503)");
    expect(why([step("released")]).because).toContain("the handler on a failed, and");
  });

  it("is decided by the last step that decides something, of whatever kind", () => {
    const idle = ["delivered", "acknowledged", "frozen", "fault", "result-not-kept"];
    for (const type of TRACE_TYPES) {
      const { fate } = why([step("duplicate"), step(type)]);
      if (idle.includes(type)) expect(fate).toBe("Suppressed");
      else expect(fate === "Suppressed").toBe(type === "duplicate");
    }
  });

  it("is nothing that anybody saw: what the store holds is told instead", () => {
    expect(why([], null).fate).toBe("Nothing is known");
    expect(why([]).fate).toBe("Nothing is known");
    expect(why([], held).because).toBe("a holds the key, at attempt 2.");
    expect(why([], committed).because).toContain("a committed it 1 s ago, at attempt 2");
  });
});

describe("what the next delivery comes to", () => {
  it("hangs on what the store holds; in a recorded run nobody can say", () => {
    expect(why([]).next).toBe("");
    expect(why([], null).next).toContain("is dispatched");
    expect(why([], committed).next).toContain("is suppressed");
    expect(why([], held).next).toBe("The next delivery is put back, while 3 s of the lease are left.");
    expect(why([], { ...held, atMs: 1_000 }).next).toContain("Its lease is over");
  });
});
