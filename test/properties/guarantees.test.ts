import fc from "fast-check";
import { afterAll, describe, expect, it } from "vitest";
import * as latchkey from "../../src/index.ts";
import { checkHistory } from "../../src/testing/judge/check-history.ts";
import type { FaultBudget } from "../../src/testing/sim/faults.ts";
import { simulate } from "../../src/testing/sim/simulate.ts";
import { noteExplored } from "../support/explored.ts";
import { allFaults, anySchedule, worldWith } from "../support/faulty-world.ts";
import { latchkeyService } from "../support/latchkey-service.ts";
import { runCount } from "../support/run-count.ts";

const RUNS = runCount(300);
const explored = { runs: 0, steps: 0, faults: 0, effects: 0 };

/** Checks every guarantee in every run. Each test adds the faults that its guarantee covers. */
async function holdsUnder(faults: FaultBudget, options: Partial<latchkey.DeduplicatorOptions> = {}): Promise<void> {
  await fc.assert(
    fc.asyncProperty(anySchedule, fc.boolean(), fc.boolean(), async (schedule, explainsConflicts, hasCache) => {
      const service = latchkeyService(latchkey, { ...options, ...(hasCache ? {} : { cacheSize: 0 }) });
      const world = worldWith(service, faults, { explainsConflicts });
      const { history } = await simulate(world, schedule);
      explored.runs += 1;
      explored.steps += history.length;
      explored.faults += history.filter(({ type }) => type === "fault").length;
      explored.effects += history.filter(({ type }) => type === "effect.began").length;
      expect(checkHistory(history)).toEqual([]);
    }),
    { numRuns: RUNS },
  );
}

describe("under any schedule on the memory store,", () => {
  afterAll(() => {
    const { runs, steps, faults, effects } = explored;
    const counts = `${runs} runs, ${effects} dispatches, ${faults} faults, ${steps} observations, no violation`;
    noteExplored(`Simulated schedules, G1 to G10 judged in each: ${counts}`, []);
  });

  it("G1 at most one replica dispatches an event during its lease", async () => {
    await holdsUnder({ redelivery: 4, "clock jump": 3, "failing effect": 2 });
  });

  it("G2 an event is acknowledged only after its dispatch succeeded", async () => {
    await holdsUnder({ redelivery: 3, crash: 2, "failing effect": 3, refusal: 2 });
  });

  it("G3 no replica dispatches an event again after its commit", async () => {
    await holdsUnder({ redelivery: 4, "late write": 2, "lost answer": 2, "clock jump": 2 });
  });

  it("G4 an event whose holders crash is eventually dispatched", async () => {
    await holdsUnder({ crash: 4, outage: 1 });
  });

  it("G5 a holder whose lease ended never changes the record of a later holder", async () => {
    await holdsUnder({ "late write": 3, "clock jump": 3, "lost answer": 2, redelivery: 2 });
  });

  it("G5 a holder whose lease ended never changes the record of a later holder, without renewal", async () => {
    await holdsUnder({ "late write": 2, "clock jump": 3, redelivery: 3 }, { renew: false });
  });

  it("G6 a handler is aborted before another replica starts", async () => {
    await holdsUnder({ "clock jump": 4, outage: 1, refusal: 2, redelivery: 3, "lost answer": 1 });
  });

  it("G7 the error of a dispatch reaches the caller unchanged, even if the release fails", async () => {
    const theError = new Error("the dispatch failed");
    const handler: Parameters<typeof worldWith>[0] = (replica) => {
      const dedup = new latchkey.Deduplicator({ ...replica, leaseMs: 1_000, skewMs: 200 });
      let failures = 0;
      return async ({ event }) => {
        try {
          return await dedup.guard({ subscriptionId: "sub", eventId: event }, async (reservation) => {
            await replica.effect(event, reservation);
            failures += 1;
            if (failures === 1) throw theError;
          });
        } catch (error) {
          const own = error === theError || error instanceof latchkey.LatchkeyError;
          if (!own) expect(String(error)).toMatch("Error: Simulated: the effect of E1 failed");
          throw error;
        }
      };
    };
    const world = worldWith(handler, {
      "lost answer": 2,
      "lost request": 2,
      refusal: 2,
      outage: 1,
      "failing effect": 1,
    });
    await fc.assert(
      fc.asyncProperty(anySchedule, async (schedule) => {
        const { history } = await simulate(world, schedule);
        expect(checkHistory(history).filter(({ guarantee }) => guarantee === "G4")).toEqual([]);
      }),
      { numRuns: RUNS },
    );
  });

  it("G8 a late success is adopted, or reported as superseded", async () => {
    await holdsUnder({ "clock jump": 4, redelivery: 3, crash: 1, outage: 1 });
  });

  it("G9 the outcome is correct whether or not a timed-out write was applied", async () => {
    await holdsUnder({ "lost answer": 4, "lost request": 3, "late write": 2, redelivery: 2 });
  });

  it("G10 a stale read costs only a retry", async () => {
    await holdsUnder({ "stale read": 6, redelivery: 4, "clock jump": 2, "lost answer": 2 });
  });

  it("G1 to G10 hold under all faults together, and no event is lost when replicas dispatch unprotected", async () => {
    await holdsUnder(allFaults);
    const world = worldWith(latchkeyService(latchkey, { onStoreUnavailable: "dispatch" }), allFaults);
    await fc.assert(
      fc.asyncProperty(anySchedule, async (schedule) => {
        const { history } = await simulate(world, schedule);
        const lost = checkHistory(history).filter(({ guarantee }) => /G2|G4|G9/.test(guarantee));
        expect(lost).toEqual([]);
      }),
      { numRuns: RUNS },
    );
  });
});
