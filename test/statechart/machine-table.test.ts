import { describe, expect, it } from "vitest";
import { createMachine } from "xstate";
import { dedupKeyMachine, deliveryMachine } from "../../machines/index.ts";
import { tableOf } from "../../src/statechart/machine-table.ts";
import { checkCompilable } from "../support/compilable.ts";

/** Returns a machine with the given state `m.a`, from which `go` leads to `m.b`. */
function machineWith(a: object, root: object = {}) {
  return createMachine({
    id: "m",
    context: {},
    initial: "a",
    states: { a: { on: { go: "b" }, ...a }, b: {} },
    ...root,
  });
}

describe("the table of a machine", () => {
  it("has a leaf for each atomic state, in the machine's order", () => {
    const { leaves } = tableOf(dedupKeyMachine);
    expect(leaves.slice(0, 4).map(({ id, value, final }) => ({ id, value, final }))).toEqual([
      { id: "dedupKey.unseen.claiming", value: { unseen: "claiming" }, final: false },
      { id: "dedupKey.unseen.reading", value: { unseen: "reading" }, final: false },
      { id: "dedupKey.unseen.backingOff", value: { unseen: "backingOff" }, final: false },
      { id: "dedupKey.reserved.dispatching.running", value: { reserved: { dispatching: "running" } }, final: false },
    ]);
    expect(leaves.filter(({ final }) => final).map(({ value }) => value)).toEqual([
      "committed",
      "released",
      "pending",
      "superseded",
      "unconfirmed",
      "unavailable",
    ]);
  });

  it("orders the transitions of a leaf before those of its ancestors", () => {
    const table = tableOf(
      machineWith(
        { initial: "x", on: { go: [{ guard: "g", target: "b" }] }, states: { x: { on: { go: "y" } }, y: {} } },
        { on: { go: { actions: "t" } } },
      ),
    );
    const choices = table.leaves.map(({ id, on }) => [id, on.get("go")?.map(({ source }) => source)]);
    expect(choices).toEqual([
      ["m.a.x", ["m.a.x", "m.a", "m"]],
      ["m.a.y", ["m.a", "m"]],
      ["m.b", ["m"]],
    ]);
  });

  it("lists every transition once, with its actions and the entry actions from the outside in", () => {
    const inside = {
      entry: "enterY",
      initial: "z",
      states: { z: { entry: { type: "enterZ", params: { depth: 2 } } } },
    };
    const machine = createMachine({
      id: "m",
      context: {},
      initial: "a",
      states: {
        a: { entry: "enterA", on: { go: { guard: "g", target: "b.y", reenter: true, actions: ["t"] } } },
        b: { entry: "enterB", initial: "y", states: { y: inside } },
      },
    });
    const { initial, transitions } = tableOf(machine);
    expect(initial).toEqual({ leaf: "m.a", actions: [{ type: "enterA", params: undefined, state: "m.a" }] });
    expect(transitions).toEqual([
      {
        source: "m.a",
        event: "go",
        guard: "g",
        target: "m.b.y",
        leaf: "m.b.y.z",
        reenter: true,
        actions: [
          { type: "t", params: undefined, state: "m.a" },
          { type: "enterB", params: undefined, state: "m.b" },
          { type: "enterY", params: undefined, state: "m.b.y" },
          { type: "enterZ", params: { depth: 2 }, state: "m.b.y.z" },
        ],
      },
    ]);
  });
});

describe("a machine that a table cannot express", () => {
  it.each([
    ["it is parallel", machineWith({ type: "parallel", states: { x: {}, y: {} } })],
    ["it is a history state", machineWith({ initial: "h", states: { h: { type: "history" } } }), "m.a.h"],
    ["it is final below the top level", machineWith({ initial: "x", states: { x: { type: "final" } } }), "m.a.x"],
    ["its initial transition has actions", machineWith({ initial: { target: "x", actions: "t" }, states: { x: {} } })],
    ["it invokes an actor", machineWith({ invoke: { src: "actor" } })],
    ["it has delayed transitions (`after`)", machineWith({ after: { 100: "b" } })],
    ["it has transitions without an event (`always`)", machineWith({ always: { guard: "g", target: "b" } })],
    ["it has exit actions", machineWith({ exit: "t" })],
    ["it has tags", machineWith({ tags: "busy" })],
    ["it has an output", machineWith({ type: "final", output: 1 })],
    ["it has an output", machineWith({}, { output: () => 1 }), "m"],
    ["it has a wildcard for events, `*`", machineWith({ on: { "*": "b" } })],
    ["it has a wildcard for events, `go.*`", machineWith({ on: { "go.*": "b" } })],
    [
      "it reacts to an event of XState itself, `xstate.done.state.m.a`",
      machineWith({ initial: "x", states: { x: {} }, onDone: "b" }),
    ],
    ["`go` has several targets", machineWith({ on: { go: { target: ["b", "a"] } } })],
    ["`go` has a guard without a name", machineWith({ on: { go: { guard: () => true, target: "b" } } })],
    [
      "the guard `g` has parameters",
      machineWith({ on: { go: { guard: { type: "g", params: { x: 1 } }, target: "b" } } }),
    ],
    ["it has an action without a name", machineWith({ on: { go: { actions: () => {} } } })],
    ["it has an action without a name", machineWith({ entry: () => {} })],
    [
      "the parameters of the action `t` are not constant",
      machineWith({ on: { go: { actions: { type: "t", params: () => ({}) } } } }),
    ],
  ])("is refused, and the error names the state and the reason: %s", (reason, machine, state = "m.a") => {
    const read = (): void => {
      checkCompilable(machine);
      tableOf(machine);
    };
    expect(read).toThrow(new TypeError(`State \`${state}\` can't be compiled: ${reason}`));
  });
});

it.each([dedupKeyMachine, deliveryMachine])("a table can express the machine $id", (machine) => {
  expect(() => checkCompilable(machine)).not.toThrow();
});
