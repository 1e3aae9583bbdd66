import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FailureCounts } from "../../../src/nats/consumer/failure-counts.ts";

/** Records a failed dispatch and returns the count of failures. */
function fail(counts: FailureCounts, sequence: number, deliveries: number): number {
  counts.dispatchFailed(sequence);
  return counts.of(sequence, deliveries).failures;
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
        expect(counts.of(7, fails.length)).toEqual({ failures, unseen: 0 });
      }),
    );
  });

  it("counts one failure after 29 deliveries that another replica did not dispatch", () => {
    const counts = new FailureCounts();
    expect(fail(counts, 7, 30)).toBe(1);
    expect(counts.of(7, 30)).toEqual({ failures: 1, unseen: 29 });
  });

  it("counts only the failures that this replica saw, whatever the others did", () => {
    fc.assert(
      fc.property(anyOutcomes, fc.array(fc.nat({ max: 5 })), (fails, others) => {
        const counts = new FailureCounts();
        let deliveries = 0;
        let failures = 0;
        for (const [index, isFailed] of fails.entries()) {
          deliveries += 1 + (others[index] ?? 0);
          if (isFailed) failures += 1;
          if (isFailed) counts.dispatchFailed(7);
          else counts.notDispatched(7);
          expect(counts.of(7, deliveries)).toEqual({ failures, unseen: deliveries - index - 1 });
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

  it("starts again for a message that was evicted, and for all after a clear", () => {
    const counts = new FailureCounts();
    fail(counts, 0, 1);
    for (let sequence = 1; sequence <= 100_000; sequence += 1) counts.notDispatched(sequence);
    expect(fail(counts, 0, 5)).toBe(1);
    counts.clear();
    expect(counts.of(0, 5)).toEqual({ failures: 0, unseen: 5 });
  });
});
