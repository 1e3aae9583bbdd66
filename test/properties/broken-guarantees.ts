import { checkHistory } from "../../src/testing/judge/check-history.ts";
import type { Schedule } from "../../src/testing/sim/schedule.ts";
import { simulate } from "../../src/testing/sim/simulate.ts";
import type { worldWith } from "../support/faulty-world.ts";

export type GuaranteeId = `G${1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9 | 10}`;

/**
 * Returns the guarantees that one run of a world breaks. A violation after a stale read also breaks G10, because a stale read may
 * only cost a retry. A run that does not finish breaks G4.
 */
export async function brokenGuarantees(
  world: ReturnType<typeof worldWith>,
  schedule: Schedule,
): Promise<readonly GuaranteeId[]> {
  try {
    const { history } = await simulate(world, schedule);
    const broken = checkHistory(history).map(({ guarantee }) => guarantee);
    const isOutOfDate = history.some((line) => line.type === "fault" && line.fault === "stale read");
    return broken.length > 0 && isOutOfDate ? [...broken, "G10"] : broken;
  } catch {
    return ["G4"];
  }
}
