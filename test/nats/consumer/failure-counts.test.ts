import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FailureCounts } from "../../../src/nats/consumer/failure-counts.ts";

/** Records a failed dispatch and returns the count of failures. */
function fail(counts: FailureCounts, sequence: number, deliveries: number): number {
  counts.dispatchFailed(sequence);
  return counts.failures(sequence, deliveries);
}

describe("FailureCounts", () => {
  const anyOutcomes = fc.array(fc.boolean(), { minLength: 1, maxLength: 30 });

  it("counts exactly for a single replica", () => {
    fc.assert(
      fc.property(anyOutcomes, (fails) => {
        const counts = new FailureCounts();
        let failures = 0;
        fails.forEach((isFailed, index) => {
          if (!isFailed) counts.notDispatched(7);
          else expect(fail(counts, 7, index + 1)).toBe(++failures);
        });
      }),
    );
  });

  it("counts exactly for several replicas when every delivery fails, and for one that has just started", () => {
    fc.assert(
      fc.property(fc.array(fc.nat({ max: 4 }), { minLength: 1, maxLength: 30 }), (turns) => {
        const replicas = Array.from({ length: 5 }, () => new FailureCounts());
        for (const [index, turn] of turns.entries()) {
          const replica = replicas[turn];
          expect(replica && fail(replica, 7, index + 1)).toBe(index + 1);
        }
      }),
      { numRuns: 30 },
    );
  });

  it("assumes that deliveries to other replicas failed in the same proportion", () => {
    const counts = new FailureCounts();
    counts.notDispatched(7);
    counts.notDispatched(7);
    counts.notDispatched(7);
    // Sixteen of twenty deliveries went to others: a quarter of them counts as failed too.
    expect(fail(counts, 7, 20)).toBe(5);
  });

  it("returns at most the deliveries, and at least the failures that this replica saw", () => {
    fc.assert(
      fc.property(anyOutcomes, fc.array(fc.nat({ max: 5 })), (fails, others) => {
        const counts = new FailureCounts();
        let deliveries = 0;
        let failures = 0;
        for (const [index, isFailed] of fails.entries()) {
          deliveries += 1 + (others[index] ?? 0);
          if (!isFailed) {
            counts.notDispatched(7);
            continue;
          }
          failures += 1;
          const counted = fail(counts, 7, deliveries);
          expect(counted).toBeGreaterThanOrEqual(failures);
          expect(counted).toBeLessThanOrEqual(deliveries);
        }
      }),
    );
  });

  it("counts each message separately", () => {
    const counts = new FailureCounts();
    counts.notDispatched(7);
    fail(counts, 8, 1);
    expect(fail(counts, 7, 2)).toBe(1);
    expect(fail(counts, 8, 2)).toBe(2);
  });

  it("counts every delivery of a message that was evicted", () => {
    const counts = new FailureCounts();
    counts.notDispatched(0);
    for (let sequence = 1; sequence <= 10_000; sequence += 1) counts.notDispatched(sequence);
    expect(fail(counts, 0, 5)).toBe(5);
  });
});
