import { misuseBugs } from "./misuse-bugs.ts";
import { ownDeduplicatorBugs } from "./own-deduplicator-bugs.ts";
import type { PlantedBug } from "./planted-bug.ts";

export const plantedBugs: readonly PlantedBug[] = [...misuseBugs, ...ownDeduplicatorBugs];
