import type { FaultBudget } from "../../../src/testing/sim/faults.ts";
import type { PlantedBug } from "../../support/planted-bugs.ts";
import type { GuaranteeId } from "../broken-guarantees.ts";

/** A planted bug, the guarantee that it breaks, and the faults under which a run shows it. */
export interface Bug extends PlantedBug {
  readonly breaks: GuaranteeId;
  readonly faults: FaultBudget;
}
