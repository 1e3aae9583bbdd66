import { checkHistory } from "../../src/testing/judge/check-history.ts";
import type { Schedule } from "../../src/testing/sim/schedule.ts";
import { simulate } from "../../src/testing/sim/simulate.ts";
import type { worldWith } from "../support/faulty-world.ts";

export type Broken = `G${1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9 | 10}`;

/**
 * The guarantees that one run of a world breaks. Where a read was out of date, G10 is broken with any other: such a read is to cost
 * a retry, nothing else. A run that does not come to its end breaks G4.
 */
export async function brokenIn(world: ReturnType<typeof worldWith>, schedule: Schedule): Promise<readonly Broken[]> {
  try {
    const { history } = await simulate(world, schedule);
    const broken = checkHistory(history).map(({ guarantee }) => guarantee);
    const isOutOfDate = history.some((line) => line.type === "fault" && line.fault === "stale read");
    return broken.length > 0 && isOutOfDate ? [...broken, "G10"] : broken;
  } catch {
    return ["G4"];
  }
}
