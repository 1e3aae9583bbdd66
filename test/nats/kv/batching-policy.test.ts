import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { BatchingPolicy, type SendMode, SINGLE_WRITES } from "../../../src/nats/kv/batching-policy.ts";

/** Returns the duration of a create and of an update in the given modes, in milliseconds. */
type Times = (creates: SendMode, updates: SendMode) => readonly [number, number];

/** Creates and updates take `ms` alone, and `batches` times as long in batches. */
const alike =
  (ms: number, batches: number): Times =>
  (creates, updates) => {
    const factor = (mode: SendMode) => (mode === "single" ? 1 : batches);
    return [ms * factor(creates), ms * factor(updates)];
  };

/**
 * Simulates `load` callers that each create and then update a key, repeatedly.
 * Returns the shares of the time in which creates and updates were sent in batches.
 */
function run(
  policy: BatchingPolicy,
  load: number,
  times: Times,
  writes: number,
  clock = { nowMs: 0 },
): readonly number[] {
  const queues = [policy.creates, policy.updates];
  const inBatchesMs = [0, 0];
  let allMs = 0;
  for (let written = 0; written < writes; written += 2 * load) {
    const taken = times(policy.creates.modeFor(load), policy.updates.modeFor(load));
    for (const [index, queue] of queues.entries()) {
      const tookMs = taken[index] ?? 0;
      if (queue.modeFor(load) === "batch") inBatchesMs[index] = (inBatchesMs[index] ?? 0) + taken[0] + taken[1];
      clock.nowMs += tookMs;
      allMs += tookMs;
      const samples = Array.from({ length: load }, () => queue.started(load - 1));
      for (const sample of samples) queue.finished(sample, tookMs, clock.nowMs);
    }
  }
  return inBatchesMs.map((ms) => ms / allMs);
}

const MANY = 300_000;

describe("BatchingPolicy", () => {
  it("starts with single writes for one replica, and a bucket without batches keeps them", () => {
    for (const { creates, updates } of [new BatchingPolicy(1), SINGLE_WRITES]) {
      expect([creates.modeFor(500), updates.modeFor(500)]).toEqual(["single", "single"]);
    }
    for (const queue of [SINGLE_WRITES.creates, SINGLE_WRITES.updates]) {
      for (let write = 0; write < 10_000; write += 1) queue.finished(queue.started(500), 1_000, write * 1_000);
      expect(queue.modeFor(500)).toBe("single");
    }
  });

  it("uses the faster mode and spends at most 6 % of the time on the other", () => {
    const factor = fc.oneof(
      fc.double({ min: 0.1, max: 0.75, noNaN: true }),
      fc.double({ min: 1.3, max: 10, noNaN: true }),
    );
    fc.assert(
      fc.property(
        fc.constantFrom(1, 3),
        fc.integer({ min: 17, max: 600 }),
        fc.double({ min: 0.5, max: 20, noNaN: true }),
        factor,
        (replicas, load, ms, batches) => {
          const policy = new BatchingPolicy(replicas);
          const clock = { nowMs: 0 };
          run(policy, load, alike(ms, batches), MANY, clock);
          for (const part of run(policy, load, alike(ms, batches), MANY, clock)) {
            expect(batches < 1 ? 1 - part : part).toBeLessThan(0.06);
          }
        },
      ),
      { numRuns: 20 },
    );
  });

  it("compares the total time of creates and updates, because one can gain what the other loses", () => {
    const times: Times = (_, updates) => (updates === "single" ? [5, 5] : [9, 2]);
    for (const part of run(new BatchingPolicy(1), 256, times, MANY)) expect(part).toBeLessThan(0.06);
  });

  it("batches updates only when many creates conflict", () => {
    const times: Times = (creates, updates) => [creates === "single" ? 5 : 20, updates === "single" ? 5 : 1];
    for (const replicas of [1, 3]) {
      const policy = new BatchingPolicy(replicas);
      run(policy, 256, times, MANY);
      const [creates, updates] = run(policy, 256, times, MANY);
      expect(creates).toBeLessThan(0.06);
      expect(updates).toBeGreaterThan(0.94);
    }
  });

  it("changes the mode when the other becomes faster", () => {
    const policy = new BatchingPolicy(1);
    const clock = { nowMs: 0 };
    for (const batches of [0.4, 1.8, 0.4]) {
      run(policy, 256, alike(5, batches), MANY, clock);
      for (const part of run(policy, 256, alike(5, batches), MANY, clock)) {
        expect(batches < 1 ? 1 - part : part).toBeLessThan(0.03);
      }
    }
  });

  it("sends single writes at a low load, whichever mode is faster, and measures nothing else", () => {
    expect(run(new BatchingPolicy(1), 10, alike(5, 0.2), MANY)).toEqual([0, 0]);
    const policy = new BatchingPolicy(3);
    expect(policy.creates.modeFor(100)).toBe("batch");
    expect(run(policy, 10, alike(5, 5), MANY)).toEqual([0, 0]);
    expect(policy.creates.modeFor(100)).toBe("batch");
  });

  it("gives up a candidate as soon as it can no longer win", () => {
    const policy = new BatchingPolicy(1);
    run(policy, 100, alike(1, 1_000), 2_000);
    expect(policy.creates.modeFor(100)).toBe("batch");
    run(policy, 100, alike(1, 1_000), 2);
    expect(policy.creates.modeFor(100)).toBe("single");
  });

  it("does not measure a candidate at every burst of writes, however long the idle periods are", () => {
    const policy = new BatchingPolicy(1);
    const clock = { nowMs: 0 };
    for (let burst = 0; burst < 20; burst += 1) {
      run(policy, 500, alike(5, 1.4), 20_000, clock);
      clock.nowMs += 1_000_000;
    }
    for (const part of run(policy, 500, alike(5, 1.4), 60_000, clock)) expect(part).toBeLessThan(0.04);
  });

  it("ignores a candidate that wins at a low load, because those writes were single", () => {
    const policy = new BatchingPolicy(1);
    const clock = { nowMs: 0 };
    run(policy, 256, alike(5, 3), 2_048, clock);
    expect(policy.creates.modeFor(256)).toBe("batch");
    run(policy, 1, alike(0.1, 3), 4_000, clock);
    expect(policy.creates.modeFor(256)).toBe("single");
    for (const part of run(policy, 256, alike(5, 3), MANY, clock)) expect(part).toBeLessThan(0.06);
  });

  it("does not count idle time in a candidate's sample towards the pause before the next one", () => {
    const { creates } = new BatchingPolicy(1);
    let nowMs = 0;
    const write = (count: number, tookMs: number): void => {
      const samples = Array.from({ length: count }, () => creates.started(99));
      for (const sample of samples) {
        nowMs += tookMs / 100;
        creates.finished(sample, tookMs, nowMs);
      }
    };
    write(2_000, 10);
    expect(creates.modeFor(100)).toBe("batch");
    write(1_000, 12);
    nowMs += 1_000_000_000;
    write(1_000, 12);
    expect(creates.modeFor(100)).toBe("single");
    let isMeasured = false;
    for (let writes = 0; writes < 30 * 2_000 && !isMeasured; writes += 100) {
      write(100, 10);
      isMeasured = creates.modeFor(100) === "batch";
    }
    expect(isMeasured).toBe(true);
  });

  it("ignores writes that started before the candidate's sample", () => {
    const { creates } = new BatchingPolicy(1);
    const old = Array.from({ length: 2_000 }, () => creates.started(100));
    for (const sample of old) creates.finished(sample, 10, 1_000);
    expect(creates.modeFor(100)).toBe("batch");
    for (const sample of old) creates.finished(sample, 1_000_000, 2_000);
    expect(creates.modeFor(100)).toBe("batch");
  });
});
