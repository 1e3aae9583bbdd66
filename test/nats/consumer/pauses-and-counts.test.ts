import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FailureCounts } from "../../../src/nats/consumer/failure-counts.ts";
import { pendingPauseMs } from "../../../src/nats/consumer/pending-pause.ts";

describe("how often the dispatch of a message failed", () => {
  const anyLife = fc.array(fc.boolean(), { minLength: 1, maxLength: 30 });

  it("is exact for a replica that is the only one", () => {
    fc.assert(
      fc.property(anyLife, (fails) => {
        const past = new FailureCounts();
        let failures = 0;
        fails.forEach((isFailed, index) => {
          if (!isFailed) past.notDispatched(7);
          else expect(past.failed(7, index + 1)).toBe(++failures);
        });
      }),
    );
  });

  it("is exact among several when every delivery failed, and with one that has just started", () => {
    fc.assert(
      fc.property(fc.array(fc.nat({ max: 4 }), { minLength: 1, maxLength: 30 }), (turns) => {
        const replicas = Array.from({ length: 5 }, () => new FailureCounts());
        for (const [index, turn] of turns.entries()) expect(replicas[turn]?.failed(7, index + 1)).toBe(index + 1);
      }),
      { numRuns: 30 },
    );
  });

  it("is in proportion to what a replica has seen, for what others did", () => {
    const past = new FailureCounts();
    past.notDispatched(7);
    past.notDispatched(7);
    past.notDispatched(7);
    // Of twenty deliveries sixteen were not here: a quarter of them is taken to have failed as well.
    expect(past.failed(7, 20)).toBe(5);
  });

  it("is never more than the deliveries, nor less than what this replica saw itself", () => {
    fc.assert(
      fc.property(anyLife, fc.array(fc.nat({ max: 5 })), (fails, others) => {
        const past = new FailureCounts();
        let deliveries = 0;
        let failures = 0;
        for (const [index, isFailed] of fails.entries()) {
          deliveries += 1 + (others[index] ?? 0);
          if (!isFailed) {
            past.notDispatched(7);
            continue;
          }
          failures += 1;
          const counted = past.failed(7, deliveries);
          expect(counted).toBeGreaterThanOrEqual(failures);
          expect(counted).toBeLessThanOrEqual(deliveries);
        }
      }),
    );
  });

  it("is each message's own", () => {
    const past = new FailureCounts();
    past.notDispatched(7);
    past.failed(8, 1);
    expect(past.failed(7, 2)).toBe(1);
    expect(past.failed(8, 2)).toBe(2);
  });

  it("counts every delivery of a message that was forgotten among too many others", () => {
    const past = new FailureCounts();
    past.notDispatched(0);
    for (let sequence = 1; sequence <= 10_000; sequence += 1) past.notDispatched(sequence);
    expect(past.failed(0, 5)).toBe(5);
  });
});

describe("the pause of a pending message", () => {
  const pauses = (retryAfterMs: number, isCounted: boolean): readonly number[] =>
    [1, 2, 3, 4, 5, 6, 7, 8, 9, 2_000].map((deliveries) => pendingPauseMs({ retryAfterMs, deliveries, isCounted }));

  it("doubles from a quarter of a second to what is left of the reservation", () => {
    expect(pauses(32_000.5, false)).toEqual([250, 500, 1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 32_001, 32_001]);
  });

  it("is what is left of the reservation where the server counts deliveries", () => {
    expect(new Set(pauses(32_000, true))).toEqual(new Set([32_000]));
  });

  it("is a tenth of a second at least", () => {
    expect(new Set([...pauses(1, false), ...pauses(0, true)])).toEqual(new Set([100]));
  });
});
