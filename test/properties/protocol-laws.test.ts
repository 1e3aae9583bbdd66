import fc from "fast-check";
import { describe, it } from "vitest";
import { always, loadModules, protocolLaws } from "./protocol-laws.ts";

describe("the protocol", () => {
  it.each(protocolLaws)("ensures that $name, under any conditions", async (law) => {
    await fc.assert(always(law, await loadModules(process.cwd())), { numRuns: 30 });
  });
});
