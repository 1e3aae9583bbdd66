import type { AnyStateMachine } from "xstate";
import { type ChartState, type ChartTransition, chartOf } from "./chart.ts";
import { pathOf, round } from "./geometry.ts";
import { type Box, type Drawing, type Line, layOut, METRICS } from "./layout.ts";

/** Options of {@link toSvg}. */
export interface SvgOptions {
  /** Numbers to show in states, by dotted path: `{ "reserved.committing": 3 }`. @default none */
  readonly counts?: Readonly<Record<string, number>>;
  /** Draws the states inside compound states. @default false */
  readonly expanded?: boolean;
}

/**
 * Draws a machine as a self-contained SVG for light and dark backgrounds: nested states, initial and final states, and transitions
 * with their events and guards.
 *
 * Compound states are collapsed by default: their inner transitions are hidden, and a line between two states lists its events
 * once, without guards. Expanded, the whole machine is drawn.
 */
export function toSvg(machine: AnyStateMachine, options: SvgOptions = {}): string {
  const { counts = {}, expanded = false } = options;
  const chart = chartOf(machine);
  const countOf = ({ id }: ChartState): string | undefined => counts[id]?.toLocaleString("en");
  const drawing = layOut(chart, {
    isOpen: () => expanded,
    direction: "right",
    textOf: (transitions) => (expanded ? transitions.flatMap(labelsOf) : eventsOf(transitions)),
    notesOf: (state) => [...optional(countOf(state)), ...state.internalEvents],
  });
  const { lines, boxes } = drawing;
  return [
    ...opening(drawing, chart.id),
    ...boxes.map((box) => boxSvg(box, countOf(box.state))),
    ...lines.map(({ points }) => `<path class="line" d="${pathOf(points)}" marker-end="url(#tip)"/>`),
    ...lines.map(labelSvg),
    "</svg>",
    "",
  ].join("\n");
}

/** Returns each event once. */
function eventsOf(transitions: readonly ChartTransition[]): readonly string[] {
  return [...new Set(transitions.map(({ event }) => event))];
}

function labelsOf({ event, guards }: ChartTransition): readonly string[] {
  return guards.length === 0 ? [event] : guards.map((guard) => `${event} [${guard}]`);
}

function optional<Value>(value: Value | undefined): readonly Value[] {
  return value === undefined ? [] : [value];
}

const STYLE = `
text { font: 12px ui-sans-serif, system-ui, sans-serif; fill: #1c2430; text-anchor: middle; }
.name { font-size: 13px; font-weight: 600; }
.title { text-anchor: start; }
.note { fill: #5a6675; font-size: 11px; }
.count { fill: #0b6b58; font-weight: 600; }
.label { fill: #3f4a5a; font-size: 11px; paint-order: stroke; stroke: #ffffff; stroke-width: 4px; stroke-linejoin: round; }
.state { fill: #f4f6f9; stroke: #8793a3; }
.open { fill: none; stroke: #b4bdc9; }
.line { fill: none; stroke: #8793a3; stroke-width: 1.2; }
.mark { fill: #5a6675; }
.background { fill: #ffffff; }
@media (prefers-color-scheme: dark) {
  text { fill: #e4e9f0; }
  .note { fill: #9aa7b8; }
  .count { fill: #5fd3b5; }
  .label { fill: #b9c4d2; stroke: #12161c; }
  .state { fill: #1d242d; stroke: #74818f; }
  .open { stroke: #47525f; }
  .line { stroke: #74818f; }
  .mark { fill: #9aa7b8; }
  .background { fill: #12161c; }
}
`;

function opening({ width, height }: Drawing, name: string): readonly string[] {
  const [w, h] = [Math.ceil(width), Math.ceil(height)];
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${w} ${h}" width="${w}" height="${h}" role="img" aria-label="${escaped(`The state machine ${name}`)}">`,
    `<style>${STYLE}</style>`,
    `<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto"><path class="mark" d="M0 0L8 4L0 8z"/></marker></defs>`,
    `<rect class="background" width="${w}" height="${h}"/>`,
  ];
}

function boxSvg(box: Box, count: string | undefined): string {
  const { state, x, y, width, height, isOpen } = box;
  const [left, top] = [x - width / 2, y - height / 2];
  const frame = (inset: number): string =>
    `<rect class="${isOpen ? "open" : "state"}" x="${round(left + inset)}" y="${round(top + inset)}" width="${round(width - 2 * inset)}" height="${round(height - 2 * inset)}" rx="6"${state.kind === "parallel" ? ' stroke-dasharray="5 3"' : ""}/>`;
  const title = state.description === "" ? "" : `<title>${escaped(state.description)}</title>`;
  const start = state.isInitial ? `<circle class="mark" cx="${round(left)}" cy="${round(top)}" r="4"/>` : "";
  const frames = state.kind === "final" ? frame(0) + frame(3) : frame(0);
  return `<g>${title}${frames}${start}${isOpen ? titleSvg(box, count) : textSvg(box, count)}</g>`;
}

/** An expanded state has its name in the upper left corner. */
function titleSvg({ state, x, y, width, height }: Box, count: string | undefined): string {
  const counted = count === undefined ? "" : ` <tspan class="count">${count}</tspan>`;
  return `<text class="name title" x="${round(x - width / 2 + 10)}" y="${round(y - height / 2 + 17)}">${escaped(state.name)}${counted}</text>`;
}

function textSvg({ state, x, y, height }: Box, count: string | undefined): string {
  if (state.kind === "history") return `<text class="name" x="${round(x)}" y="${round(y + 4)}">${state.name}</text>`;
  const top = y - height / 2 + METRICS.padding / 2;
  const notes = [
    ...optional(count).map((text) => ({ text, kind: "count" })),
    ...state.internalEvents.map((text) => ({ text, kind: "note" })),
  ].map(
    ({ text, kind }, index) =>
      `<text class="${kind}" x="${round(x)}" y="${round(top + METRICS.nameHeight + (index + 0.75) * METRICS.lineHeight)}">${escaped(text)}</text>`,
  );
  return `<text class="name" x="${round(x)}" y="${round(top + 15)}">${escaped(state.name)}</text>${notes.join("")}`;
}

function labelSvg({ label, text }: Line): string {
  const top = label.y - (text.length * METRICS.lineHeight) / 2;
  return text
    .map((line, index) => {
      const y = round(top + (index + 0.75) * METRICS.lineHeight);
      return `<text class="label" x="${round(label.x)}" y="${y}">${escaped(line)}</text>`;
    })
    .join("");
}

function escaped(text: string): string {
  return text.replaceAll(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
}
