import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type AnyStateMachine, createMachine } from "xstate";
import { dedupKeyMachine, deliveryMachine } from "../../../machines/index.ts";
import { chartOf } from "../../../src/inspect/chart/chart.ts";
import { contains, overlaps, type Point } from "../../../src/inspect/chart/geometry.ts";
import { type Drawing, layOut, textSize } from "../../../src/inspect/chart/layout.ts";
import { toSvg } from "../../../src/inspect/chart/svg.ts";
import { anyMachine } from "../../support/any-machine.ts";
import { runCount } from "../../support/run-count.ts";

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
    const texts = textsOf(toSvg(everything, { expanded: true }));
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
      const texts = textsOf(toSvg(machine, { expanded: true }));
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
      toSvg(dedupKeyMachine, {
        counts: { reserved: 12_345, "reserved.committing.writing": 7, elsewhere: 99 },
        expanded: true,
      }),
    );
    expect(texts).toContain("12,345");
    expect(texts).toContain("7");
    expect(texts).not.toContain("99");
    expect(textsOf(toSvg(dedupKeyMachine, { counts: { reserved: 5 } }))).toContain("5");
  });

  it("collapses compound states by default, and then fits on a screen", () => {
    const svg = toSvg(dedupKeyMachine);
    const texts = textsOf(svg);
    const chart = chartOf(dedupKeyMachine);
    const topLevel = chart.states.filter(({ parent }) => parent === "").map(({ name }) => name);
    for (const name of topLevel) expect(texts).toContain(name);
    expect(texts).not.toContain("renewing");
    const [, width = 0, height = 0] = (/viewBox="0 0 (\d+) (\d+)"/.exec(svg) ?? []).map(Number);
    expect(width).toBeLessThan(1_600);
    expect(height).toBeLessThan(1_100);
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
        textsOf(toSvg(machine, { expanded: true }));
      }),
      { numRuns: runCount(40) },
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

  it("never lets a label overlap another label or an unrelated state", () => {
    const machines = fc.constantFrom(dedupKeyMachine, deliveryMachine);
    fc.assert(
      fc.property(machines, fc.func(fc.boolean()), (machine, isOpen) => {
        const drawing = layOut(chartOf(machine), {
          isOpen: ({ id }) => isOpen(id),
          direction: "right",
          textOf: (transitions) => [...new Set(transitions.map(({ event }) => event))],
          notesOf: () => [],
        });
        expect(overlapsIn(drawing)).toEqual([]);
      }),
      { numRuns: runCount(25) },
    );
    for (const machine of [dedupKeyMachine, deliveryMachine]) {
      const expanded = layOut(chartOf(machine), {
        isOpen: () => true,
        direction: "right",
        textOf: (transitions) => transitions.flatMap(({ event, guards }) => [event, ...guards]),
        notesOf: () => [],
      });
      expect(overlapsIn(expanded)).toEqual([]);
    }
  });

  it("never lets a line cross an unrelated state, whatever states are expanded", () => {
    for (const machine of [dedupKeyMachine, deliveryMachine]) {
      const chart = chartOf(machine);
      const compounds = [...new Set(chart.states.map(({ parent }) => parent).filter((parent) => parent !== ""))];
      fc.assert(
        fc.property(fc.subarray(compounds), (open) => {
          const drawing = layOut(chart, {
            isOpen: ({ id }) => open.includes(id),
            direction: "right",
            textOf: (transitions) => [...new Set(transitions.map(({ event }) => event))],
            notesOf: () => [],
          });
          expect(crossingsIn(drawing)).toEqual([]);
        }),
        { numRuns: runCount(12), examples: [[[]], [compounds]] },
      );
    }
  });

  it("notices a line behind a state", () => {
    const drawing = layOut(chartOf(dedupKeyMachine), {
      isOpen: () => false,
      direction: "right",
      textOf: () => [],
      notesOf: () => [],
    });
    const straight = drawing.lines.map((line) => ({
      ...line,
      points: line.points.filter((_, index) => index === 0 || index === line.points.length - 1),
    }));
    expect(crossingsIn({ ...drawing, lines: straight })).not.toEqual([]);
  });
});

/** Returns the lines that cross a collapsed state which is neither their start nor their end. */
function crossingsIn({ lines, boxes }: Drawing): readonly string[] {
  return lines.flatMap(({ from, to, points }) => {
    const drawn = drawnPoints(points);
    const isOwn = (id: string): boolean => [from, to].some((end) => end === id || end.startsWith(`${id}.`));
    return boxes
      .filter((box) => !box.isOpen && !isOwn(box.state.id) && drawn.some((point) => contains(box, point)))
      .map((box) => `${from} to ${to} crosses ${box.state.id}`);
  });
}

/** Returns points on the path that is drawn: curves whose control points are the corners. */
function drawnPoints(points: readonly Point[]): readonly Point[] {
  const [start, ...rest] = points;
  const end = rest.at(-1);
  if (start === undefined || end === undefined) return points;
  const corners = rest.length === 1 ? [start] : rest.slice(0, -1);
  let from = start;
  return corners.flatMap((corner, index) => {
    const next = rest[index + 1] ?? end;
    const to = next === end ? end : { x: (corner.x + next.x) / 2, y: (corner.y + next.y) / 2 };
    const at = (part: number): Point => ({
      x: (1 - part) ** 2 * from.x + 2 * (1 - part) * part * corner.x + part ** 2 * to.x,
      y: (1 - part) ** 2 * from.y + 2 * (1 - part) * part * corner.y + part ** 2 * to.y,
    });
    const curve = Array.from({ length: 41 }, (_, step) => at(step / 40));
    from = to;
    return curve;
  });
}

/** Returns the pairs of overlapping labels, and of labels and collapsed states. */
function overlapsIn({ lines, boxes }: Drawing): readonly string[] {
  const labels = lines.map(({ from, to, label, text }) => ({ name: `${from} ${to}`, ...label, ...textSize(text) }));
  const states = boxes.filter(({ isOpen }) => !isOpen).map((box) => ({ ...box, name: box.state.id }));
  return labels.flatMap((label, index) =>
    [...labels.slice(index + 1), ...states]
      .filter((other) => overlaps(label, other))
      .map((other) => `${label.name} / ${other.name}`),
  );
}
