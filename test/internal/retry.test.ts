import { describe, expect, it } from "vitest";
import { backoffMs } from "../../src/internal/backoff.ts";
import { retryUntil } from "../../src/internal/retry.ts";
import { SimulatedClock } from "../../src/testing/sim/simulated-clock.ts";

const backoff = { firstMs: 10, longestMs: 40 };

describe("backoffMs", () => {
  it("doubles with every retry, up to the longest pause", () => {
    expect([1, 2, 3, 4, 5].map((retry) => backoffMs(retry, backoff))).toEqual([10, 20, 40, 40, 40]);
  });
});

describe("retryUntil", () => {
  it("returns the first value that is not undefined", async () => {
    const clock = new SimulatedClock();
    const attemptsMs: number[] = [];
    const result = retryUntil({ clock, timeoutMs: 1_000, backoff }, async () => {
      attemptsMs.push(clock.monotonicMs());
      return attemptsMs.length === 4 ? "found" : undefined;
    });
    await clock.advanceAsync(200);
    expect(await result).toBe("found");
    expect(attemptsMs.map((ms) => ms - (attemptsMs[0] ?? 0))).toEqual([0, 10, 30, 70]);
  });

  it("makes one last attempt at the deadline and returns its value", async () => {
    const clock = new SimulatedClock();
    const last: boolean[] = [];
    const result = retryUntil<string>({ clock, timeoutMs: 45, backoff }, async (isLast) => {
      last.push(isLast);
      return undefined;
    });
    await clock.advanceAsync(200);
    expect(await result).toBeUndefined();
    expect(last).toEqual([false, false, false, true]);
  });

  it("makes the next attempt the last when the signal aborts", async () => {
    const clock = new SimulatedClock();
    const abort = new AbortController();
    const last: boolean[] = [];
    const result = retryUntil({ clock, timeoutMs: 1_000, backoff, signal: abort.signal }, async (isLast) => {
      last.push(isLast);
      return undefined;
    });
    abort.abort();
    await result;
    expect(last).toEqual([false, true]);
  });

  it("rejects with the error of an attempt", async () => {
    const clock = new SimulatedClock();
    const result = retryUntil({ clock, timeoutMs: 1_000, backoff }, () => Promise.reject(new Error("not permitted")));
    await expect(result).rejects.toThrow("not permitted");
  });
});
