import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { AnyStateMachine } from "xstate";
import { dedupKeyMachine, deliveryMachine } from "../../machines/index.ts";
import { tableOf } from "../../src/statechart/machine-table.ts";
import { stateTree } from "../../src/statechart/state-tree.ts";
import { anyMachine } from "../support/any-machine.ts";

/** Compares the table of a machine's configuration with the table of XState's own state nodes. */
function expectSameTable({ id, config, root }: AnyStateMachine): void {
  expect(tableOf({ id, root: stateTree(id, config) })).toEqual(tableOf({ id, root }));
}

describe("the states that a configuration describes", () => {
  it.each([dedupKeyMachine, deliveryMachine])("are XState's state nodes of the machine $id", (machine) => {
    expectSameTable(machine);
  });

  it("are XState's state nodes of any machine", () => {
    fc.assert(fc.property(anyMachine, expectSameTable), { numRuns: 50 });
  });

  it.each([
    ["from the state with an id", "#b.y", "m.b.y"],
    ["from the state itself", ".x", "m.a.x"],
    ["from its parent", "b.y", "m.b.y"],
  ])("have targets that are resolved %s", (_, target, expected) => {
    const states = {
      a: { initial: "x", on: { go: target }, states: { x: {} } },
      b: { id: "b", states: { y: { id: "m.b.y" } } },
    };
    const { transitions } = tableOf({ id: "m", root: stateTree("m", { initial: "a", states }) });
    expect(transitions.map((transition) => transition.target)).toEqual([expected]);
  });

  it.each(["#c", ".c", "c", "b.c"])("have no target `%s` that does not exist", (target) => {
    const config = { initial: "a", states: { a: { on: { go: target } }, b: {} } };
    expect(() => tableOf({ id: "m", root: stateTree("m", config) })).toThrow(
      new TypeError(`State \`m.a\` has the target \`${target}\`, which does not exist`),
    );
  });
});
