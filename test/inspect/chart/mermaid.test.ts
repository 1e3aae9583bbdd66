import { expect, it } from "vitest";
import { createMachine } from "xstate";
import { dedupKeyMachine } from "../../../machines/index.ts";
import { toMermaid } from "../../../src/inspect/chart/mermaid.ts";

const chart = (...lines: string[]): string => ["stateDiagram-v2", ...lines.map((line) => `  ${line}`), ""].join("\n");

it("draws nested, initial and final states", () => {
  const machine = createMachine({
    initial: "outer",
    states: {
      outer: { initial: "inner", states: { inner: {}, next: {} } },
      over: { type: "final" },
    },
  });
  expect(toMermaid(machine)).toBe(
    chart(
      "[*] --> outer",
      'state "outer" as outer {',
      "  [*] --> outer_inner",
      '  state "inner" as outer_inner',
      '  state "next" as outer_next',
      "}",
      'state "over" as over',
      "over --> [*]",
    ),
  );
});

it("labels transitions with event and guard in the order of evaluation, one line for each pair of states", () => {
  const machine = createMachine({
    initial: "a",
    states: {
      a: {
        on: {
          go: [{ guard: "first", target: "b" }, { guard: { type: "second" }, target: "b" }, { target: "c" }],
          stop: {
            guard: function isOver() {
              return true;
            },
            target: "b",
          },
          halt: { guard: () => true, target: "c" },
        },
      },
      b: {},
      c: {},
    },
  });
  expect(toMermaid(machine)).toContain(
    "\n  a --> b : go [first]<br/>go [second]<br/>stop [isOver]\n  a --> c : go<br/>halt […]\n",
  );
});

it("draws outward transitions of a compound state from itself, and inward ones from each leaf", () => {
  const machine = createMachine({
    initial: "outer",
    on: { note: { actions: "write" } },
    states: {
      outer: {
        initial: "x",
        on: { leave: "over", restart: ".x" },
        states: { x: { on: { note: { target: "y" } } }, y: { on: { restart: { guard: "stubborn", target: "y" } } } },
      },
      over: { type: "final" },
    },
  });
  expect(toMermaid(machine).split("\n").slice(9)).toEqual([
    "  outer --> over : leave",
    "  outer_x --> outer_y : note",
    "  outer_x --> outer_x : restart",
    "  outer_y --> outer_y : restart [stubborn]",
    "  outer_y --> outer_x : restart",
    "  outer_y : note",
    "",
  ]);
});

it("draws regions, history states, delays, eventless transitions and actor events", () => {
  const machine = createMachine({
    id: "m",
    initial: "both",
    states: {
      both: {
        type: "parallel",
        states: { left: { initial: "l", states: { l: {} } }, right: {} },
        onDone: "over",
        after: { 1000: "over" },
      },
      busy: {
        invoke: { id: "worker", src: "work", onDone: "over", onError: "both", onSnapshot: { actions: "write" } },
        always: { guard: "isIdle", target: "over" },
        initial: "i",
        states: { i: {}, was: { type: "history" }, deepest: { type: "history", history: "deep" } },
      },
      over: { type: "final" },
    },
  });
  expect(toMermaid(machine)).toBe(
    chart(
      "[*] --> both",
      'state "both" as both {',
      '  state "left" as both_left {',
      "    [*] --> both_left_l",
      '    state "l" as both_left_l',
      "  }",
      "  --",
      '  state "right" as both_right',
      "}",
      'state "busy" as busy {',
      "  [*] --> busy_i",
      '  state "i" as busy_i',
      '  state "H" as busy_was',
      '  state "H*" as busy_deepest',
      "}",
      'state "over" as over',
      "over --> [*]",
      "both --> over : done<br/>after 1000",
      "busy --> over : always [isIdle]<br/>done worker",
      "busy --> both : error worker",
      "busy_i : snapshot worker",
    ),
  );
});

it("gives every state a unique name, and escapes syntax in names", () => {
  const machine = createMachine({
    initial: "end",
    states: {
      end: { on: { 'a:b "c"; <d>': "a_b" } },
      a: { initial: "b", states: { b: {} } },
      a_b: {},
      "größe 1": { type: "final" },
    },
  });
  expect(toMermaid(machine)).toBe(
    chart(
      "[*] --> end_",
      'state "end" as end_',
      'state "a" as a {',
      "  [*] --> a_b",
      '  state "b" as a_b',
      "}",
      'state "a_b" as a_b_',
      'state "größe 1" as gr__e_1',
      "gr__e_1 --> [*]",
      "end_ --> a_b_ : a#58;b #34;c#34;#59; #60;d#62;",
    ),
  );
});

it("draws the same text for a machine with other implementations", () => {
  expect(toMermaid(dedupKeyMachine.provide({ actions: { settle: () => {} } }))).toBe(toMermaid(dedupKeyMachine));
});
