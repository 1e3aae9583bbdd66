import fc from "fast-check";
import { it } from "vitest";
import * as latchkey from "../../src/index.ts";
import { runCount } from "../support/run-count.ts";
import { nothingWrong } from "./finished.ts";

it("G3 G9 a finished dispatch is not repeated by a process that knows of it, and its commit undoes no clear", async () => {
  await fc.assert(nothingWrong(latchkey), { numRuns: runCount(500) });
});
