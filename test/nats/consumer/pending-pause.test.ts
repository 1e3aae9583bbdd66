import { describe, expect, it } from "vitest";
import { pendingPauseMs } from "../../../src/nats/consumer/pending-pause.ts";

describe("pause of a pending message", () => {
  const pauses = (retryAfterMs: number, isLimited: boolean): readonly number[] =>
    [1, 2, 3, 4, 5, 6, 7, 8, 9, 2_000].map((deliveries) => pendingPauseMs({ retryAfterMs, deliveries, isLimited }));

  it("doubles from 250 ms up to the time left of the reservation", () => {
    expect(pauses(32_000.5, false)).toEqual([250, 500, 1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 32_001, 32_001]);
  });

  it("is the time left of the reservation if the server limits deliveries", () => {
    expect(new Set(pauses(32_000, true))).toEqual(new Set([32_000]));
  });

  it("is at least 100 ms", () => {
    expect(new Set([...pauses(1, false), ...pauses(0, true)])).toEqual(new Set([100]));
  });
});
