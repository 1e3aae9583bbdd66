import { describe, expect, it } from "vitest";
import { startDeadline } from "../../../src/cli/run/deadline.ts";
import { SimulatedClock } from "../../support/simulated-clock.ts";

describe("a deadline", () => {
  it("aborts after its time limit", () => {
    const clock = new SimulatedClock();
    using deadline = startDeadline(clock, 1_000, [new AbortController().signal]);
    clock.advance(999);
    expect([deadline.signal.aborted, deadline.hasPassed]).toEqual([false, false]);
    clock.advance(1);
    expect([deadline.signal.aborted, deadline.hasPassed]).toEqual([true, true]);
  });

  it.each([0, 1])("aborts with the first of the other signals (%i)", (which) => {
    const clock = new SimulatedClock();
    const others = [new AbortController(), new AbortController()];
    using deadline = startDeadline(
      clock,
      1_000,
      others.map(({ signal }) => signal),
    );
    others[which]?.abort();
    expect(deadline.signal.aborted).toBe(true);
    clock.advance(2_000);
    expect(deadline.hasPassed).toBe(false);
  });

  it("aborts immediately if another signal has aborted", () => {
    using deadline = startDeadline(new SimulatedClock(), 1_000, [AbortSignal.abort()]);
    expect(deadline.signal.aborted).toBe(true);
  });

  it("leaves no timer and no listener", () => {
    const clock = new SimulatedClock();
    const other = new AbortController();
    const deadline = startDeadline(clock, 1_000, [other.signal]);
    deadline[Symbol.dispose]();
    other.abort();
    expect([deadline.signal.aborted, clock.timers]).toEqual([false, 0]);
  });
});
