import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type AnyStateMachine, createMachine } from "xstate";
import { dedupKeyMachine } from "../../../machines/dedup-key.ts";
import { deliveryMachine } from "../../../machines/delivery.ts";
import { chartOf } from "../../../src/inspect/chart/chart.ts";
import { layOut } from "../../../src/inspect/chart/layout.ts";
import { toSvg } from "../../../src/inspect/chart/svg.ts";
import { anyMachine } from "../../support/any-machine.ts";

/** Returns the texts of a picture. Fails if its elements are not nested correctly or a number is invalid. */
function textsOf(svg: string): readonly string[] {
  const open: string[] = [];
  const texts: string[] = [];
  for (const [, slash, name = "", rest = "", text = ""] of svg.matchAll(/<(\/?)([\w]+)([^>]*)>([^<]*)/g)) {
    if (slash === "/") expect(open.pop()).toBe(name);
    else if (!rest.endsWith("/")) open.push(name);
    expect(rest).not.toMatch(/NaN|undefined|Infinity/);
    if (/^(text|tspan|title)$/.test(name) && slash === "") texts.push(text);
  }
  expect(open).toEqual([]);
  return texts.map((text) => text.replaceAll(/&#(\d+);/g, (_, code) => String.fromCharCode(Number(code))).trim());
}

const everything: AnyStateMachine = createMachine({
  id: "m",
  initial: "both",
  states: {
    both: {
      type: "parallel",
      states: { left: { initial: "l", states: { l: { on: { go: "k" } }, k: {} } }, right: {} },
      onDone: "over",
      after: { 1000: "over" },
    },
    busy: {
      description: "It works",
      invoke: { id: "worker", src: "work", onDone: "over", onError: "both", onSnapshot: { actions: "write" } },
      always: { guard: "isIdle", target: "over" },
      on: { again: { target: "busy", reenter: true } },
      initial: "i",
      states: { i: { on: { again: { target: "i", reenter: true } } }, was: { type: "history" } },
    },
    over: { type: "final" },
  },
});

describe("a picture of a machine", () => {
  it("contains regions, history states, delays, eventless transitions and actor events", () => {
    const texts = textsOf(toSvg(everything));
    for (const text of [
      "both",
      "left",
      "l",
      "right",
      "busy",
      "H",
      "over",
      "go",
      "done",
      "after 1000",
      "always [isIdle]",
    ]) {
      expect(texts).toContain(text);
    }
    for (const text of ["done worker", "error worker", "snapshot worker", "again", "It works"])
      expect(texts).toContain(text);
  });

  it("contains every state and transition of Latchkey's machines", () => {
    for (const machine of [dedupKeyMachine, deliveryMachine]) {
      const chart = chartOf(machine);
      const texts = textsOf(toSvg(machine));
      for (const { name } of chart.states) expect(texts).toContain(name);
      for (const { event, guards } of chart.transitions) {
        for (const text of guards.length === 0 ? [event] : guards.map((guard) => `${event} [${guard}]`)) {
          expect(texts).toContain(text);
        }
      }
    }
  });

  it("shows counts in expanded and in collapsed states", () => {
    const texts = textsOf(
      toSvg(dedupKeyMachine, { reserved: 12_345, "reserved.committing.writing": 7, elsewhere: 99 }),
    );
    expect(texts).toContain("12,345");
    expect(texts).toContain("7");
    expect(texts).not.toContain("99");
  });

  it("escapes markup in names", () => {
    const machine = createMachine({ initial: `<a href="x">&`, states: { [`<a href="x">&`]: {} } });
    const svg = toSvg(machine);
    expect(svg).not.toContain("<a");
    expect(textsOf(svg)).toContain(`<a href="x">&`);
  });

  it("is self-contained, has a dark theme, and is the same every time", () => {
    const svg = toSvg(dedupKeyMachine);
    expect(svg).toMatch(/^<svg xmlns="http:\/\/www.w3.org\/2000\/svg" viewBox="0 0 \d+ \d+" /);
    expect(svg).toContain("prefers-color-scheme: dark");
    expect(svg.replace("http://www.w3.org/2000/svg", "")).not.toMatch(/https?:|url\((?!#)/);
    expect(toSvg(dedupKeyMachine.provide({ actions: { settle: () => {} } }))).toBe(svg);
  });

  it("is valid for any machine", () => {
    fc.assert(
      fc.property(anyMachine, (machine) => {
        textsOf(toSvg(machine));
      }),
      { numRuns: 40 },
    );
  });
});

describe("the layout", () => {
  it("keeps every state inside the picture and inside its parent", () => {
    fc.assert(
      fc.property(fc.func(fc.boolean()), fc.constantFrom("down", "right"), (isOpen, direction) => {
        const { width, height, boxes, lines } = layOut(chartOf(dedupKeyMachine), {
          isOpen: ({ id }) => isOpen(id),
          direction,
          textOf: (transitions) => transitions.map(({ event }) => event),
          notesOf: () => [],
        });
        const places = new Map(boxes.map((box) => [box.state.id, box]));
        for (const box of boxes) {
          const outer = places.get(box.state.parent) ?? { x: width / 2, y: height / 2, width, height };
          expect(Math.abs(box.x - outer.x)).toBeLessThanOrEqual((outer.width - box.width) / 2);
          expect(Math.abs(box.y - outer.y)).toBeLessThanOrEqual((outer.height - box.height) / 2);
        }
        for (const { points } of lines) expect(points.length).toBeGreaterThan(1);
      }),
      { numRuns: 10 },
    );
  });
});
