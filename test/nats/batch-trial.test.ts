import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { BatchTrial, ONE_BY_ONE, type Way } from "../../src/nats/batch-trial.ts";

/** How long a write takes, by how it is sent and how many others there are. */
type Times = (way: Way, load: number) => number;

/** `load` callers each write again as soon as they are answered. Returns for which part of the time each way was gone. */
function run(trial: BatchTrial, load: number, times: Times, writes: number, from = { nowMs: 0 }): Record<Way, number> {
  const spentMs: Record<Way, number> = { singly: 0, "in batches": 0 };
  const clock = from;
  let way = trial.way;
  let began = Array.from({ length: load }, () => trial.began(load - 1));
  for (let written = 0; written < writes; written += load) {
    const tookMs = times(way, load);
    clock.nowMs += tookMs;
    spentMs[way] += tookMs;
    const next = trial.way;
    began = began.map((since) => {
      trial.ended(since, tookMs, clock.nowMs);
      return trial.began(load - 1);
    });
    way = next === trial.way ? way : trial.way;
  }
  const allMs = spentMs.singly + spentMs["in batches"];
  return { singly: spentMs.singly / allMs, "in batches": spentMs["in batches"] / allMs };
}

const MANY = 300_000;

describe("the way in which writes are sent", () => {
  it("is one by one at first, and stays so for a bucket without batches", () => {
    expect(new BatchTrial().way).toBe("singly");
    ONE_BY_ONE.ended(ONE_BY_ONE.began(500), 1_000, 1_000);
    expect(ONE_BY_ONE.way).toBe("singly");
  });

  it("is the faster one, and the other is tried for a few hundredths of the time", () => {
    const factor = fc.oneof(
      fc.double({ min: 0.1, max: 0.75, noNaN: true }),
      fc.double({ min: 1.3, max: 10, noNaN: true }),
    );
    fc.assert(
      fc.property(
        fc.integer({ min: 17, max: 600 }),
        fc.double({ min: 0.5, max: 20, noNaN: true }),
        factor,
        (load, ms, batches) => {
          const times: Times = (way) => (way === "singly" ? ms : ms * batches);
          const trial = new BatchTrial();
          const clock = { nowMs: 0 };
          run(trial, load, times, MANY, clock);
          const part = run(trial, load, times, MANY, clock);
          expect(part[batches < 1 ? "singly" : "in batches"]).toBeLessThan(0.06);
        },
      ),
      { numRuns: 20 },
    );
  });

  it("changes when what pays changes", () => {
    const trial = new BatchTrial();
    const clock = { nowMs: 0 };
    for (const [batches, wrong] of [
      [0.4, "singly"],
      [1.8, "in batches"],
      [0.4, "singly"],
    ] as const) {
      const times: Times = (way) => (way === "singly" ? 5 : 5 * batches);
      run(trial, 256, times, MANY, clock);
      expect(run(trial, 256, times, MANY, clock)[wrong]).toBeLessThan(0.03);
    }
  });

  it("is not tried with few writes at a time", () => {
    const part = run(new BatchTrial(), 10, (way) => (way === "singly" ? 5 : 1), MANY);
    expect(part["in batches"]).toBe(0);
  });

  it("is given up as soon as it can no longer win", () => {
    const clock = { nowMs: 0 };
    run(new BatchTrial(), 100, (way) => (way === "singly" ? 1 : 1_000), 2_000, clock);
    expect(clock.nowMs).toBe(10 + 1_000 + 9);
  });

  it("is not tried again for each burst of writes, however long there were none before", () => {
    const trial = new BatchTrial();
    const clock = { nowMs: 0 };
    const times: Times = (way) => (way === "singly" ? 5 : 7);
    for (let burst = 0; burst < 20; burst += 1) {
      run(trial, 500, times, 10_000, clock);
      clock.nowMs += 1_000_000;
    }
    const part = run(trial, 500, times, 30_000, clock);
    expect(part["in batches"]).toBeLessThan(0.04);
  });

  it("is not judged by what began before the trial", () => {
    const trial = new BatchTrial();
    const old = Array.from({ length: 1_000 }, () => trial.began(100));
    for (const began of old) trial.ended(began, 10, 1_000);
    expect(trial.way).toBe("in batches");
    for (const began of old) trial.ended(began, 1_000_000, 2_000);
    expect(trial.way).toBe("in batches");
  });
});
