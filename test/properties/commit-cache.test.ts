import fc from "fast-check";
import { it } from "vitest";
import * as latchkey from "../../src/index.ts";
import * as cacheEpoch from "../../src/stores/cache-epoch.ts";
import { runCount } from "../support/run-count.ts";
import { noFalseDuplicates } from "./commit-cache.ts";

it("G2 the commit cache reports a duplicate only for a stored commit, even with late writes, outages and clears", async () => {
  await fc.assert(noFalseDuplicates({ ...latchkey, ...cacheEpoch }), { numRuns: runCount(500) });
});
