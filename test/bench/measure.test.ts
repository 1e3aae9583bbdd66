import { describe, expect, it } from "vitest";
import { takeTurns } from "./measure.ts";

describe("contestants of the benchmark", () => {
  const run = async (name: string, round: string): Promise<string> => {
    if (name === "fragile" && round === "1") throw new Error("out of memory");
    return name + round;
  };

  it("take turns, and one that fails is reported and left out of later rounds", async () => {
    const failed: unknown[] = [];
    const onFailed = (name: string, error: unknown) => failed.push([name, error]);
    const results = await takeTurns(["fragile", "solid"], { rounds: 3, onFailed }, run);
    expect(Object.fromEntries(results)).toEqual({ fragile: ["fragile0"], solid: ["solid0", "solid1", "solid2"] });
    expect(failed).toEqual([["fragile", new Error("out of memory")]]);
  });

  it("end the benchmark with the error of the first that fails, where failures are not expected", async () => {
    await expect(takeTurns(["fragile"], { rounds: 3 }, run)).rejects.toThrow("out of memory");
  });
});
