import fc from "fast-check";
import { afterAll, describe, expect, it } from "vitest";
import { formatSchedule } from "../../src/testing/sim/schedule.ts";
import { noteExplored } from "../support/explored.ts";
import { anySchedule, worldWith } from "../support/faulty-world.ts";
import { latchkeyService } from "../support/latchkey-service.ts";
import { plant, removePlantedCopies } from "../support/planted-bugs.ts";
import { brokenGuarantees } from "./broken-guarantees.ts";
import { engineBugs } from "./bugs/engine.ts";
import { machineBugs } from "./bugs/machine.ts";
import { storeBugs } from "./bugs/store.ts";

/** Fixed seed, so that a bug that was caught once is caught every time. */
const SEED = 1;
const MAX_RUNS = 10_000;

describe("planted bugs", () => {
  const bugs = [...machineBugs, ...engineBugs, ...storeBugs];
  const rows: string[] = [];
  afterAll(() => {
    removePlantedCopies();
    noteExplored(`Bugs planted in the package, all ${rows.length} caught by the property of a guarantee`, rows);
  });

  for (const bug of bugs) {
    it(`${bug.breaks} is violated when ${bug.name}`, async () => {
      const planted = await plant(bug);
      const world = worldWith(latchkeyService(planted), bug.faults, {
        register: (clock) => planted.memoryStore({ clock }),
      });
      const observed = new Set<string>();
      const { failed, numRuns, counterexample } = await fc.check(
        fc.asyncProperty(anySchedule, async (schedule) => {
          const broken = await brokenGuarantees(world, schedule);
          for (const one of broken) observed.add(one);
          return !broken.includes(bug.breaks);
        }),
        { numRuns: MAX_RUNS, seed: SEED },
      );
      const schedule = formatSchedule(counterexample?.[0] ?? []);
      rows.push(`${bug.breaks.padEnd(3)} [${schedule}]  ${bug.name} (after ${numRuns} runs)`);
      expect(failed, `in ${numRuns} runs: ${[...observed].join(", ")}`).toBe(true);
    });
  }

  it("cover every guarantee", () => {
    const broken = new Set<string>(bugs.map(({ breaks }) => breaks));
    for (let guarantee = 1; guarantee <= 10; guarantee += 1) expect(broken).toContain(`G${guarantee}`);
  });
});
