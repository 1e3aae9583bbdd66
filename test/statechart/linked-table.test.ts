import { expect, it } from "vitest";
import { and, assign, createMachine, emit, enqueueActions, raise } from "xstate";
import { compile } from "../../src/statechart/compiled-logic.ts";

const machine = createMachine({
  id: "m",
  context: {},
  initial: "a",
  states: { a: { on: { go: { guard: "g", target: "b", actions: "t" } } }, b: { entry: "e" } },
}).provide({ guards: { g: () => true }, actions: { t: () => {}, e: assign(() => ({})) } });

it("compiles plain guards, plain actions and `assign` with a function", () => {
  expect(() => compile(machine)).not.toThrow();
});

it.each([
  ["State `m.a` can't be compiled: the guard `g` is not implemented", { guards: { g: undefined } }],
  ["State `m.a` can't be compiled: the guard `g` is not a plain function", { guards: { g: and(["h", "i"]) } }],
  ["State `m.a` can't be compiled: the action `t` is not implemented", { actions: { t: undefined } }],
  ["State `m.b` can't be compiled: the action `e` is not implemented", { actions: { e: undefined } }],
])("refuses a machine with the reason: %s", (sentence, provided) => {
  expect(() => compile(machine.provide(provided))).toThrow(new TypeError(sentence));
});

it.each([
  ["raise", raise({ type: "go" })],
  ["emit", emit({ type: "go" })],
  ["enqueueActions", enqueueActions(() => {})],
  ["assign of properties", assign({ n: 1 })],
])("refuses XState's own actions: %s", (_, t) => {
  expect(() => compile(machine.provide({ actions: { t } }))).toThrow(
    new TypeError("State `m.a` can't be compiled: the action `t` is not a plain function or `assign` of one"),
  );
});

it("refuses a machine without a context", () => {
  expect(() => compile(createMachine({ id: "m", initial: "a", states: { a: {} } }))).toThrow(
    new TypeError("State `m` can't be compiled: it has no context"),
  );
});
