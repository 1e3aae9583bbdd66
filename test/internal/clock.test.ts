import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { delay, sleep, systemClock, within } from "../../src/internal/clock.ts";
import { heldBySignal } from "../support/held-by-signal.ts";

const DAY_MS = 24 * 60 * 60 * 1_000;
/** Longest delay that Node supports. A longer timer fires immediately. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  // First: a spy on a fake timer that is restored later would bring the fake back, for every file of the worker.
  vi.restoreAllMocks();
  vi.useRealTimers();
});

describe("systemClock", () => {
  it.each([0, 1, 30_000, LONGEST_TIMER_MS - 1, LONGEST_TIMER_MS, LONGEST_TIMER_MS + 1, 100 * DAY_MS])(
    "runs a callback once, after %d ms and not before",
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

  it("never passes Node a delay above its limit", () => {
    const setTimeout = vi.spyOn(globalThis, "setTimeout");
    systemClock.schedule(100 * DAY_MS, () => {});
    vi.advanceTimersByTime(100 * DAY_MS);
    expect(setTimeout.mock.calls.length).toBeGreaterThan(4);
    for (const [, delayMs] of setTimeout.mock.calls) expect(delayMs).toBeLessThanOrEqual(LONGEST_TIMER_MS);
  });

  it("runs an overdue callback immediately", () => {
    const run = vi.fn();
    systemClock.schedule(-5, run);
    vi.advanceTimersByTime(1);
    expect(run).toHaveBeenCalledTimes(1);
  });

  it.each([0, 10, 30, 60, 99])(
    "does not run a callback that was cancelled after %d of 100 days, and leaves no timer",
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

  it("returns the wall clock in milliseconds since 1970", () => {
    const wall = systemClock.wallMs();
    expect(wall).toBe(Date.now());
    vi.setSystemTime(wall + 1_500);
    expect(systemClock.wallMs()).toBe(wall + 1_500);
  });

  it("has a monotonic clock that changes of the wall clock do not affect", () => {
    const before = systemClock.monotonicMs();
    vi.setSystemTime(0);
    const after = systemClock.monotonicMs();
    vi.setSystemTime(Date.UTC(2100, 0));
    expect(after).toBeGreaterThanOrEqual(before);
    expect(systemClock.monotonicMs() - before).toBeLessThan(DAY_MS);
  });
});

describe("sleep", () => {
  it("resolves after its time, and leaves nothing behind", async () => {
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

  it("rejects with the signal's reason as soon as it aborts, and leaves no timer", async () => {
    const controller = new AbortController();
    const sleeping = sleep(systemClock, 1_000, controller.signal);
    const reason = new Error("enough");
    controller.abort(reason);
    await expect(sleeping).rejects.toBe(reason);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("rejects immediately with an aborted signal", async () => {
    await expect(sleep(systemClock, 1_000, AbortSignal.abort("a reason"))).rejects.toBe("a reason");
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe("delay", () => {
  it("resolves after its time or with the first signal, and leaves nothing behind", async () => {
    const [one, two] = [new AbortController(), new AbortController()];
    const signals = [one.signal, undefined, two.signal];
    const delayed = vi.fn();
    void delay(systemClock, 1_000, signals).then(delayed);
    await vi.advanceTimersByTimeAsync(999);
    expect(delayed).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(1);
    expect(delayed).toHaveBeenCalledTimes(1);
    expect([one, two].map(({ signal }) => heldBySignal(signal))).toEqual([0, 0]);
    const delaying = delay(systemClock, 1_000, signals);
    two.abort();
    await delaying;
    expect(heldBySignal(one.signal)).toBe(0);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("resolves immediately if one of the signals has aborted", async () => {
    await delay(systemClock, 1_000, [new AbortController().signal, AbortSignal.abort()]);
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe("within", () => {
  it("settles like work that settles in time, and leaves no timer", async () => {
    expect(await within(systemClock, 1_000, Promise.resolve("done"))).toBe("done");
    await expect(within(systemClock, 1_000, Promise.reject(new Error("failed")))).rejects.toThrow("failed");
    expect(vi.getTimerCount()).toBe(0);
  });

  it("resolves with `late` after the limit, whatever the work does later", async () => {
    let fail: (reason: unknown) => void = () => {};
    const work = new Promise((_, reject) => {
      fail = reject;
    });
    const result = within(systemClock, 1_000, work);
    vi.advanceTimersByTime(1_000);
    fail(new Error("too late"));
    expect(await result).toBe("late");
  });
});
