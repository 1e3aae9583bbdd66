import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { runCount } from "../../../support/run-count.ts";
import { dispatchedOnce, loadPackage, runMessage } from "./repeated-dispatches.ts";

const CALM = {
  ...{ dispatches: [], answers: [], letters: [], commits: [], earlyRedeliveries: [] },
  ...{ outage: 0, deliveredElsewhere: 0 },
};

describe("a finished dispatch", () => {
  it("happens once without faults", async () => {
    const of = await loadPackage(process.cwd());
    expect(await runMessage(of, CALM)).toEqual({ dispatched: 1, repeated: 0, isSettled: true, isGivenUpEarly: false });
  });

  it("G3 is neither repeated nor given up early because of what happens to its commit, its acknowledgement or its dead letter", async () => {
    await fc.assert(dispatchedOnce(await loadPackage(process.cwd())), { numRuns: runCount(300) });
  });
});
