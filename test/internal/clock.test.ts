import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { delay, sleep, systemClock } from "../../src/internal/clock.ts";
import { heldBySignal } from "../support/held-by-signal.ts";

const DAY_MS = 24 * 60 * 60 * 1_000;
/** What Node's timers keep at most; a longer one fires at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

describe("systemClock", () => {
  it.each([0, 1, 30_000, LONGEST_TIMER_MS - 1, LONGEST_TIMER_MS, LONGEST_TIMER_MS + 1, 100 * DAY_MS])(
    "calls once, after %d ms and not before",
    (delayMs) => {
      const run = vi.fn();
      systemClock.schedule(delayMs, run);
      if (delayMs > 0) {
        vi.advanceTimersByTime(delayMs - 1);
        expect(run).not.toHaveBeenCalled();
      }
      vi.advanceTimersByTime(1);
      expect(run).toHaveBeenCalledTimes(1);
      vi.advanceTimersByTime(200 * DAY_MS);
      expect(run).toHaveBeenCalledTimes(1);
      expect(vi.getTimerCount()).toBe(0);
    },
  );

  it("never asks Node for a timer that Node would cut to a millisecond", () => {
    const setTimeout = vi.spyOn(globalThis, "setTimeout");
    systemClock.schedule(100 * DAY_MS, () => {});
    vi.advanceTimersByTime(100 * DAY_MS);
    expect(setTimeout.mock.calls.length).toBeGreaterThan(4);
    for (const [, delayMs] of setTimeout.mock.calls) expect(delayMs).toBeLessThanOrEqual(LONGEST_TIMER_MS);
  });

  it("calls at once what is overdue", () => {
    const run = vi.fn();
    systemClock.schedule(-5, run);
    vi.advanceTimersByTime(1);
    expect(run).toHaveBeenCalledTimes(1);
  });

  it.each([0, 10, 30, 60, 99])(
    "does not call what was called off after %d of 100 days, and leaves no timer",
    (days) => {
      const run = vi.fn();
      const cancel = systemClock.schedule(100 * DAY_MS, run);
      vi.advanceTimersByTime(days * DAY_MS);
      cancel();
      expect(vi.getTimerCount()).toBe(0);
      vi.advanceTimersByTime(200 * DAY_MS);
      expect(run).not.toHaveBeenCalled();
    },
  );

  it("tells the wall clock in milliseconds since 1970", () => {
    const wall = systemClock.wallMs();
    expect(wall).toBe(Date.now());
    vi.setSystemTime(wall + 1_500);
    expect(systemClock.wallMs()).toBe(wall + 1_500);
  });

  it("measures leases with a clock that a change of the wall clock does not move", () => {
    const before = systemClock.monotonicMs();
    vi.setSystemTime(0);
    const after = systemClock.monotonicMs();
    vi.setSystemTime(Date.UTC(2100, 0));
    expect(after).toBeGreaterThanOrEqual(before);
    expect(systemClock.monotonicMs() - before).toBeLessThan(DAY_MS);
  });
});

describe("sleep", () => {
  it("ends after its time, and leaves nothing behind", async () => {
    const controller = new AbortController();
    const remove = vi.spyOn(controller.signal, "removeEventListener");
    const slept = vi.fn();
    const sleeping = sleep(systemClock, 1_000, controller.signal).then(slept);
    await vi.advanceTimersByTimeAsync(999);
    expect(slept).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(1);
    await sleeping;
    expect(remove).toHaveBeenCalledTimes(1);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("ends at once with the signal's reason when it aborts, and leaves no timer", async () => {
    const controller = new AbortController();
    const sleeping = sleep(systemClock, 1_000, controller.signal);
    const reason = new Error("enough");
    controller.abort(reason);
    await expect(sleeping).rejects.toBe(reason);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("does not begin when the signal has aborted", async () => {
    await expect(sleep(systemClock, 1_000, AbortSignal.abort("a reason"))).rejects.toBe("a reason");
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe("nap", () => {
  it("ends after its time, or with the first signal, and leaves nothing behind", async () => {
    const [one, two] = [new AbortController(), new AbortController()];
    const signals = [one.signal, undefined, two.signal];
    const napped = vi.fn();
    void delay(systemClock, 1_000, signals).then(napped);
    await vi.advanceTimersByTimeAsync(999);
    expect(napped).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(1);
    expect(napped).toHaveBeenCalledTimes(1);
    expect([one, two].map(({ signal }) => heldBySignal(signal))).toEqual([0, 0]);
    const napping = delay(systemClock, 1_000, signals);
    two.abort();
    await napping;
    expect(heldBySignal(one.signal)).toBe(0);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("does not begin when one of the signals has aborted", async () => {
    await delay(systemClock, 1_000, [new AbortController().signal, AbortSignal.abort()]);
    expect(vi.getTimerCount()).toBe(0);
  });
});
