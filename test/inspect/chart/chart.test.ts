import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createMachine } from "xstate";
import { dedupKeyMachine } from "../../../machines/index.ts";
import { chartOf } from "../../../src/inspect/chart/chart.ts";
import { foldChart } from "../../../src/inspect/chart/fold.ts";

const nested = createMachine({
  id: "m",
  initial: "outer",
  states: {
    outer: {
      initial: "x",
      description: "Where it begins",
      on: { leave: "over" },
      states: {
        x: {
          on: {
            next: [
              { guard: "isGood", target: "y" },
              { guard: "isFair", target: "y" },
            ],
            wait: { actions: "note" },
          },
        },
        y: { on: { back: "x", done: "#m.over" } },
        was: { type: "history", history: "deep" },
      },
    },
    over: { type: "final" },
  },
});

describe("the chart of a machine", () => {
  it("lists the states, parents first, with their kinds and descriptions", () => {
    const { id, states } = chartOf(nested);
    expect(id).toBe("m");
    expect(states.map((state) => [state.id, state.kind, state.isInitial])).toEqual([
      ["outer", "compound", true],
      ["outer.x", "atomic", true],
      ["outer.y", "atomic", false],
      ["outer.was", "history", false],
      ["over", "final", false],
    ]);
    expect(states[0]?.description).toBe("Where it begins");
    expect(states[1]?.internalEvents).toEqual(["wait"]);
    expect(states[3]?.name).toBe("H*");
  });

  it("merges transitions that differ only in their guards", () => {
    expect(chartOf(nested).transitions).toEqual([
      { id: "outer leave over", from: "outer", to: "over", event: "leave", guards: [] },
      { id: "outer.x next outer.y", from: "outer.x", to: "outer.y", event: "next", guards: ["isGood", "isFair"] },
      { id: "outer.y back outer.x", from: "outer.y", to: "outer.x", event: "back", guards: [] },
      { id: "outer.y done over", from: "outer.y", to: "over", event: "done", guards: [] },
    ]);
  });
});

describe("a collapsed chart", () => {
  it("shows transitions out of a collapsed state, and hides those inside it", () => {
    const { states, lines, open } = foldChart(chartOf(nested), () => false);
    expect(states.map(({ id }) => id)).toEqual(["outer", "over"]);
    expect(open.size).toBe(0);
    expect(lines.map(({ from, to, transitions }) => [from, to, transitions.map(({ id }) => id)])).toEqual([
      ["outer", "over", ["outer leave over", "outer.y done over"]],
    ]);
  });

  it("keeps a transition from a state to itself", () => {
    const self = createMachine({ initial: "a", states: { a: { on: { again: { target: "a", reenter: true } } } } });
    expect(foldChart(chartOf(self), () => false).lines).toHaveLength(1);
  });

  it("contains every transition that leaves a visible state of the key machine, for any expanded states", () => {
    const chart = chartOf(dedupKeyMachine);
    fc.assert(
      fc.property(fc.func(fc.boolean()), (isOpen) => {
        const { states, lines } = foldChart(chart, ({ id }) => isOpen(id));
        const shown = new Set(states.map(({ id }) => id));
        for (const { from, to } of lines) expect(shown.has(from) && shown.has(to)).toBe(true);
        const drawn = new Set(lines.flatMap(({ transitions }) => transitions.map(({ id }) => id)));
        for (const { id, from } of chart.transitions) if (shown.has(from) && !drawn.has(id)) expect(id).toBe("drawn");
      }),
    );
  });
});
