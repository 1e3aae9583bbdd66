import type { FaultBudget } from "../../../src/testing/sim/faults.ts";
import type { PlantedBug } from "../../support/planted-bugs.ts";
import type { Broken } from "../broken.ts";

/** A bug, what it breaks, and the faults under which that shows. */
export interface Bug extends PlantedBug {
  readonly breaks: Broken;
  readonly faults: FaultBudget;
}
