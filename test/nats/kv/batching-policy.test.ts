import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { BatchingPolicy, ONE_BY_ONE, type Way } from "../../../src/nats/kv/batching-policy.ts";

/** How long a write over nothing takes, and one over one's own, by how either are sent. */
type Times = (overNothing: Way, overOwn: Way) => readonly [number, number];

/** Both take the same, so much longer in batches. */
const alike =
  (ms: number, batches: number): Times =>
  (overNothing, overOwn) => {
    const factor = (way: Way) => (way === "singly" ? 1 : batches);
    return [ms * factor(overNothing), ms * factor(overOwn)];
  };

/**
 * `load` callers each write over nothing, then over their own, again and again. Returns for which part of the time the first were
 * sent in batches, and the second.
 */
function run(
  trial: BatchingPolicy,
  load: number,
  times: Times,
  writes: number,
  clock = { nowMs: 0 },
): readonly number[] {
  const lanes = [trial.overNothing, trial.overOwn];
  const inBatchesMs = [0, 0];
  let allMs = 0;
  for (let written = 0; written < writes; written += 2 * load) {
    const taken = times(trial.overNothing.wayFor(load), trial.overOwn.wayFor(load));
    for (const [index, lane] of lanes.entries()) {
      const tookMs = taken[index] ?? 0;
      if (lane.wayFor(load) === "in batches") inBatchesMs[index] = (inBatchesMs[index] ?? 0) + taken[0] + taken[1];
      clock.nowMs += tookMs;
      allMs += tookMs;
      const began = Array.from({ length: load }, () => lane.began(load - 1));
      for (const each of began) lane.ended(each, tookMs, clock.nowMs);
    }
  }
  return inBatchesMs.map((ms) => ms / allMs);
}

const MANY = 300_000;

describe("the way in which writes are sent", () => {
  it("is one by one at first where there is one replica, and stays so for a bucket without batches", () => {
    for (const { overNothing, overOwn } of [new BatchingPolicy(1), ONE_BY_ONE]) {
      expect([overNothing.wayFor(500), overOwn.wayFor(500)]).toEqual(["singly", "singly"]);
    }
    for (const lane of [ONE_BY_ONE.overNothing, ONE_BY_ONE.overOwn]) {
      for (let write = 0; write < 10_000; write += 1) lane.ended(lane.began(500), 1_000, write * 1_000);
      expect(lane.wayFor(500)).toBe("singly");
    }
  });

  it("is the faster one, and the other is tried for a few hundredths of the time", () => {
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
          const trial = new BatchingPolicy(replicas);
          const clock = { nowMs: 0 };
          run(trial, load, alike(ms, batches), MANY, clock);
          for (const part of run(trial, load, alike(ms, batches), MANY, clock)) {
            expect(batches < 1 ? 1 - part : part).toBeLessThan(0.06);
          }
        },
      ),
      { numRuns: 20 },
    );
  });

  it("is judged by what both kinds of writes take: one may gain what the other loses", () => {
    const times: Times = (_, overOwn) => (overOwn === "singly" ? [5, 5] : [9, 2]);
    for (const part of run(new BatchingPolicy(1), 256, times, MANY)) expect(part).toBeLessThan(0.06);
  });

  it("may be singly over nothing, where many conflict, and in batches over one's own", () => {
    const times: Times = (overNothing, overOwn) => [overNothing === "singly" ? 5 : 20, overOwn === "singly" ? 5 : 1];
    for (const replicas of [1, 3]) {
      const trial = new BatchingPolicy(replicas);
      run(trial, 256, times, MANY);
      const [overNothing, overOwn] = run(trial, 256, times, MANY);
      expect(overNothing).toBeLessThan(0.06);
      expect(overOwn).toBeGreaterThan(0.94);
    }
  });

  it("changes when what pays changes", () => {
    const trial = new BatchingPolicy(1);
    const clock = { nowMs: 0 };
    for (const batches of [0.4, 1.8, 0.4]) {
      run(trial, 256, alike(5, batches), MANY, clock);
      for (const part of run(trial, 256, alike(5, batches), MANY, clock)) {
        expect(batches < 1 ? 1 - part : part).toBeLessThan(0.03);
      }
    }
  });

  it("is one by one with few writes at a time, whatever pays with many, and nothing else is tried", () => {
    expect(run(new BatchingPolicy(1), 10, alike(5, 0.2), MANY)).toEqual([0, 0]);
    const trial = new BatchingPolicy(3);
    expect(trial.overNothing.wayFor(100)).toBe("in batches");
    expect(run(trial, 10, alike(5, 5), MANY)).toEqual([0, 0]);
    expect(trial.overNothing.wayFor(100)).toBe("in batches");
  });

  it("is given up as soon as it can no longer win", () => {
    const trial = new BatchingPolicy(1);
    run(trial, 100, alike(1, 1_000), 2_000);
    expect(trial.overNothing.wayFor(100)).toBe("in batches");
    run(trial, 100, alike(1, 1_000), 2);
    expect(trial.overNothing.wayFor(100)).toBe("singly");
  });

  it("is not tried again for each burst of writes, however long there were none before", () => {
    const trial = new BatchingPolicy(1);
    const clock = { nowMs: 0 };
    for (let burst = 0; burst < 20; burst += 1) {
      run(trial, 500, alike(5, 1.4), 20_000, clock);
      clock.nowMs += 1_000_000;
    }
    for (const part of run(trial, 500, alike(5, 1.4), 60_000, clock)) expect(part).toBeLessThan(0.04);
  });

  it("is not changed by a trial that few writes at a time have won, since those went singly", () => {
    const trial = new BatchingPolicy(1);
    const clock = { nowMs: 0 };
    run(trial, 256, alike(5, 3), 2_048, clock);
    expect(trial.overNothing.wayFor(256)).toBe("in batches");
    run(trial, 1, alike(0.1, 3), 4_000, clock);
    expect(trial.overNothing.wayFor(256)).toBe("singly");
    for (const part of run(trial, 256, alike(5, 3), MANY, clock)) expect(part).toBeLessThan(0.06);
  });

  it("is tried again as soon after a trial in which nothing was written for long", () => {
    const { overNothing } = new BatchingPolicy(1);
    let nowMs = 0;
    const write = (count: number, tookMs: number): void => {
      const began = Array.from({ length: count }, () => overNothing.began(99));
      for (const each of began) {
        nowMs += tookMs / 100;
        overNothing.ended(each, tookMs, nowMs);
      }
    };
    write(2_000, 10);
    expect(overNothing.wayFor(100)).toBe("in batches");
    write(1_000, 12);
    nowMs += 1_000_000_000;
    write(1_000, 12);
    expect(overNothing.wayFor(100)).toBe("singly");
    let isTried = false;
    for (let writes = 0; writes < 30 * 2_000 && !isTried; writes += 100) {
      write(100, 10);
      isTried = overNothing.wayFor(100) === "in batches";
    }
    expect(isTried).toBe(true);
  });

  it("is not judged by what began before the trial", () => {
    const { overNothing } = new BatchingPolicy(1);
    const old = Array.from({ length: 2_000 }, () => overNothing.began(100));
    for (const began of old) overNothing.ended(began, 10, 1_000);
    expect(overNothing.wayFor(100)).toBe("in batches");
    for (const began of old) overNothing.ended(began, 1_000_000, 2_000);
    expect(overNothing.wayFor(100)).toBe("in batches");
  });
});
