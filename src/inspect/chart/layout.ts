import { Graph, layout } from "@dagrejs/dagre";
import type { Chart, ChartState, ChartTransition } from "./chart.ts";
import { type Folded, type FoldedLine, fold } from "./fold.ts";
import { contains, leaving, loopBelow, middleOf, type Point, type Rectangle } from "./geometry.ts";

/** A state on a drawing. */
export interface Box extends Rectangle {
  readonly state: ChartState;
  /** Whether there are states inside, and whether they are drawn in it. */
  readonly isCompound: boolean;
  readonly isOpen: boolean;
}

/** A line on a drawing: all transitions from one state to another. */
export interface Line extends FoldedLine {
  readonly points: readonly Point[];
  /** The middle of its text. */
  readonly label: Point;
  readonly text: readonly string[];
}

/** Where everything stands, in pixels. */
export interface Drawing {
  readonly width: number;
  readonly height: number;
  /** From the outside in. */
  readonly boxes: readonly Box[];
  readonly lines: readonly Line[];
}

/** How a chart is drawn. */
export interface LayoutOptions {
  /** Whether the states inside a state are drawn. */
  readonly isOpen: (state: ChartState) => boolean;
  readonly direction: "down" | "right";
  /** What is written at a line. */
  readonly textOf: (transitions: readonly ChartTransition[]) => readonly string[];
  /** What is written in a state, below its name. */
  readonly notesOf: (state: ChartState) => readonly string[];
}

/** In pixels. Texts are measured by their length: nothing here knows a font. */
export const METRICS = {
  letter: 7.4,
  smallLetter: 6.4,
  lineHeight: 14,
  nameHeight: 20,
  padding: 12,
  margin: 16,
} as const;

/** Where the states and transitions of a chart stand on a drawing. */
export function layOut(chart: Chart, options: LayoutOptions): Drawing {
  const folded = fold(chart, options.isOpen);
  const texts = folded.lines.map((line) => options.textOf(line.transitions));
  const graph = new Graph({ multigraph: true, compound: true });
  const { margin } = METRICS;
  const rankdir = options.direction === "down" ? "TB" : "LR";
  const names = Math.max(0, ...folded.states.map(({ id }) => titlesIn(id, folded)));
  graph.setGraph({ rankdir, nodesep: 40, edgesep: 18, ranksep: 44, marginx: margin, marginy: margin + TITLE * names });
  for (const state of folded.states) {
    graph.setNode(state.id, sizeOf(state, options.notesOf(state)));
    if (state.parent !== "") graph.setParent(state.id, state.parent);
  }
  folded.lines.forEach(({ from, to }, index) => {
    graph.setEdge(
      anchorOf(from, folded),
      anchorOf(to, folded),
      { ...textSize(texts[index] ?? []), labelpos: "c" },
      String(index),
    );
  });
  layout(graph);

  const boxes = new Map(folded.states.map((state) => [state.id, boxOf(state, graph.node(state.id), folded)]));
  const lines = folded.lines.map((line, index): Line => {
    const edge = graph.edge(anchorOf(line.from, folded), anchorOf(line.to, folded), String(index));
    const text = texts[index] ?? [];
    const box = boxes.get(line.from);
    if (line.from === line.to && box !== undefined) return { ...line, ...selfLine(box, text), text };
    const points = clipped(edge.points, line, boxes);
    const label = { x: edge.x, y: edge.y };
    const isCutOff = [line.from, line.to].some((id) => isWithin(label, boxes.get(id)));
    return { ...line, points, label: isCutOff ? middleOf(points) : label, text };
  });
  const { width, height } = graph.graph();
  const bottoms = lines.map(({ label, text }) => label.y + (text.length * METRICS.lineHeight) / 2 + margin);
  return { width, height: Math.max(height, ...bottoms), boxes: [...boxes.values()], lines };
}

function isWithin(point: Point, box: Box | undefined): boolean {
  return box?.isOpen === true && contains(box, point);
}

/** A line from a state to itself: below it, with its text at the turn. */
function selfLine(box: Box, text: readonly string[]): Pick<Line, "points" | "label"> {
  const turn = box.y + box.height / 2 + SELF_LINE;
  return {
    points: loopBelow(box, turn + 2),
    label: { x: box.x, y: turn + (text.length * METRICS.lineHeight) / 2 },
  };
}

const SELF_LINE = 16;

/** Dagre draws no line to or from a state that is open: it is drawn to where that begins, and cut off at its border. */
function anchorOf(id: string, folded: Folded): string {
  if (!folded.open.has(id)) return id;
  const inside = folded.inside.get(id) ?? [];
  const first = inside.find(({ isInitial }) => isInitial) ?? inside[0];
  return first === undefined ? id : anchorOf(first.id, folded);
}

function clipped(
  points: readonly Point[],
  { from, to }: FoldedLine,
  boxes: ReadonlyMap<string, Box>,
): readonly Point[] {
  const [start, end] = [boxes.get(from), boxes.get(to)];
  let way = points;
  if (start?.isOpen === true && !isInside(to, from)) way = leaving(way, start);
  if (end?.isOpen === true && !isInside(from, to)) way = leaving(way.toReversed(), end).toReversed();
  return way;
}

function isInside(id: string, outer: string): boolean {
  return id.startsWith(`${outer}.`);
}

/** An open state has room for its name above what is in it. */
function boxOf(state: ChartState, { x, y, width, height }: Rectangle, folded: Folded): Box {
  const room = TITLE * titlesIn(state.id, folded);
  return {
    state,
    x,
    y: y - room / 2,
    width,
    height: height + room,
    isCompound: folded.inside.has(state.id),
    isOpen: folded.open.has(state.id),
  };
}

const TITLE = 14;

/** How many names stand one above the other in a state. */
function titlesIn(id: string, folded: Folded): number {
  if (!folded.open.has(id)) return 0;
  return 1 + Math.max(0, ...(folded.inside.get(id) ?? []).map((state) => titlesIn(state.id, folded)));
}

function sizeOf({ name, kind }: ChartState, notes: readonly string[]): { width: number; height: number } {
  const { letter, smallLetter, lineHeight, nameHeight, padding } = METRICS;
  if (kind === "history") return { width: 28, height: 28 };
  const width = Math.max(name.length * letter, ...notes.map((note) => note.length * smallLetter)) + 2 * padding;
  const frame = kind === "final" ? 8 : 0;
  return { width: width + frame, height: nameHeight + notes.length * lineHeight + padding };
}

function textSize(lines: readonly string[]): { width: number; height: number } {
  const longest = Math.max(0, ...lines.map((line) => line.length));
  return { width: longest * METRICS.smallLetter, height: lines.length * METRICS.lineHeight };
}
