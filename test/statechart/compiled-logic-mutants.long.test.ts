import { describe, expect, it } from "vitest";
import { compile } from "../../src/statechart/compiled-logic.ts";
import { mutantsOf } from "../support/machine-mutants.ts";
import { exploreMachine, firstDifference } from "../support/machine-steps.ts";
import { dedupKeyWorld, deliveryWorld } from "../support/machine-worlds.ts";

describe.each([dedupKeyWorld, deliveryWorld])("the compiled $machine.id machine", ({ machine, ...world }) => {
  const steps = exploreMachine(machine, world);

  it("differs from XState after any change to the machine", () => {
    const mutants = mutantsOf(machine);
    console.log(`${machine.id}: ${mutants.length} mutants compared`);
    expect(mutants.length).toBeGreaterThan(100);
    const undetected = mutants.filter(({ mutant }) => firstDifference(steps, compile(mutant)) === undefined);
    expect(undetected.map(({ change }) => change)).toEqual([]);
  });
});
