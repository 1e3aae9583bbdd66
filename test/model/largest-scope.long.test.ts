import { expect, it } from "vitest";
import { dedupKeyMachine } from "../../machines/index.ts";
import { noteExplored } from "../support/explored.ts";
import { check, summary } from "./check.ts";
import { described } from "./scope.ts";
import { largestScope } from "./scopes.ts";

it(`the dedup-key machine keeps all guarantees in every world of the largest scope: ${described(largestScope)}`, () => {
  const result = check(dedupKeyMachine, largestScope);
  noteExplored("Largest scope of the model check of the dedup-key machine", [summary(largestScope, result)]);
  expect(result.violations, `\n${result.shown}\n`).toEqual([]);
});
