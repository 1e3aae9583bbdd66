import { afterAll, describe, expect, it } from "vitest";
import { noteExplored } from "../support/explored.ts";
import { plantInMachine, removePlantedCopies } from "../support/planted-bugs.ts";
import { check } from "./check.ts";
import { mutants } from "./mutants.ts";

describe("the model check", () => {
  const rows: string[] = [];
  let example: readonly string[] = [];
  afterAll(() => {
    removePlantedCopies();
    noteExplored(`Mutants of the machine, all ${rows.length} found by the model check`, [...rows, ...example]);
  });

  for (const { name, breaks, scope, find, replace } of mutants) {
    it(`finds ${breaks} violated where ${name}`, async () => {
      const machine = await plantInMachine({ name, patches: [{ file: "machines/dedup-key.ts", find, replace }] });
      const { violations, shown } = check(machine, scope);
      const steps = shown.match(/^ +\d+\./gm)?.length ?? 0;
      const found = violations.find(({ guarantee }) => guarantee === breaks);
      rows.push(`${breaks.padEnd(3)} ${`${steps}`.padStart(2)} steps  ${name}`);
      if (mutants[0]?.name === name) example = [`For example, ${breaks}, ${found?.what}:`, ...shown.split("\n")];
      expect(found, `${JSON.stringify(violations)}\n${shown}\n`).toBeDefined();
    });
  }
});
