import { Graph, layout } from "@dagrejs/dagre";
import type { Chart, ChartState, ChartTransition } from "./chart.ts";
import { type FoldedChart, type FoldedLine, foldChart } from "./fold.ts";
import { clipStart, contains, loopBelow, middleOf, type Point, type Rectangle } from "./geometry.ts";
import { placeLabels } from "./labels.ts";
import { columnRanges, routed } from "./route.ts";

/** A laid-out state. */
export interface Box extends Rectangle {
  readonly state: ChartState;
  /** True if it has child states; `isOpen` if they are visible. */
  readonly isCompound: boolean;
  readonly isOpen: boolean;
}

/** A laid-out line: all transitions from one visible state to another. */
export interface Line extends FoldedLine {
  readonly points: readonly Point[];
  /** Centre of the label. */
  readonly label: Point;
  readonly text: readonly string[];
}

/** Positions of all states and lines, in pixels. */
export interface Drawing {
  readonly width: number;
  readonly height: number;
  /** States, parents before children. */
  readonly boxes: readonly Box[];
  readonly lines: readonly Line[];
}

/** Options of a layout. */
export interface LayoutOptions {
  /** Returns true if a state is expanded. */
  readonly isOpen: (state: ChartState) => boolean;
  readonly direction: "down" | "right";
  /** Returns the label of a line. */
  readonly textOf: (transitions: readonly ChartTransition[]) => readonly string[];
  /** Returns the lines of text below a state's name. */
  readonly notesOf: (state: ChartState) => readonly string[];
}

/** Sizes in pixels. Text width is estimated from its length, because the layout knows no font. */
export const METRICS = {
  letter: 7.4,
  smallLetter: 6.4,
  lineHeight: 14,
  nameHeight: 20,
  padding: 12,
  margin: 16,
} as const;

/** Lays out the states and transitions of a chart. */
export function layOut(chart: Chart, options: LayoutOptions): Drawing {
  const folded = foldChart(chart, options.isOpen);
  const labelled = folded.lines.map((line) => ({ ...line, text: options.textOf(line.transitions) }));
  const graph = new Graph({ multigraph: true, compound: true });
  const { margin } = METRICS;
  const rankdir = options.direction === "down" ? "TB" : "LR";
  const names = Math.max(0, ...folded.states.map(({ id }) => titlesIn(id, folded)));
  graph.setGraph({ rankdir, nodesep: 40, edgesep: 18, ranksep: 44, marginx: margin, marginy: margin + TITLE * names });
  for (const state of folded.states) {
    graph.setNode(state.id, sizeOf(state, options.notesOf(state)));
    if (state.parent !== "") graph.setParent(state.id, state.parent);
  }
  labelled.forEach(({ from, to, text }, index) => {
    const label = { ...textSize(text), labelpos: "c" } as const;
    graph.setEdge(anchorOf(from, folded), anchorOf(to, folded), label, String(index));
  });
  layout(graph);

  const boxes = new Map(folded.states.map((state) => [state.id, boxOf(state, graph.node(state.id), folded)]));
  const columns = columnRanges([...boxes.values()].filter(({ isOpen }) => !isOpen));
  /** Ranks are columns only in a drawing to the right. */
  const routedBetween = (points: readonly Point[], line: FoldedLine): readonly Point[] => {
    const [from, to] = [boxes.get(anchorOf(line.from, folded)), boxes.get(anchorOf(line.to, folded))];
    const isRoutable = options.direction === "right" && from !== undefined && to !== undefined && from !== to;
    return isRoutable ? routed(points, from, to, columns) : points;
  };
  const unplaced = labelled.map((line, index) => {
    const { text } = line;
    const edge = graph.edge(anchorOf(line.from, folded), anchorOf(line.to, folded), String(index));
    const box = boxes.get(line.from);
    if (line.from === line.to && box !== undefined) return { ...line, ...textSize(text), ...selfLine(box, text) };
    const points = clipped(routedBetween(edge.points, line), line, boxes);
    const label = { x: edge.x, y: edge.y };
    const isCutOff = [line.from, line.to].some((id) => isWithin(label, boxes.get(id)));
    return { ...line, ...textSize(text), points, label: isCutOff ? middleOf(points) : label };
  });
  const placed = placeLabels(unplaced, [...boxes.values()].map(obstacleOf));
  const { width, height } = graph.graph();
  const rights = placed.map((line) => line.label.x + line.width / 2 + margin);
  const bottoms = placed.map((line) => line.label.y + line.height / 2 + margin);
  const lines = placed.map(
    ({ from, to, transitions, points, label, text }): Line => ({ from, to, transitions, points, label, text }),
  );
  return { width: Math.max(width, ...rights), height: Math.max(height, ...bottoms), boxes: [...boxes.values()], lines };
}

/** No label covers a collapsed state or the name of an expanded one. */
function obstacleOf(box: Box): Rectangle {
  if (!box.isOpen) return box;
  const nameWidth = Math.min(box.width, (box.state.name.length + COUNT_LENGTH) * METRICS.letter + METRICS.padding);
  return {
    x: box.x - (box.width - nameWidth) / 2,
    y: box.y - box.height / 2 + METRICS.nameHeight / 2,
    width: nameWidth,
    height: METRICS.nameHeight,
  };
}

/** Length of a count after the name of an expanded state. */
const COUNT_LENGTH = 10;

function isWithin(point: Point, box: Box | undefined): boolean {
  return box?.isOpen === true && contains(box, point);
}

/** Returns a loop below a state, with the label at its turning point. */
function selfLine(box: Box, text: readonly string[]): Pick<Line, "points" | "label"> {
  const turn = box.y + box.height / 2 + SELF_LINE;
  return {
    points: loopBelow(box, turn + 2),
    label: { x: box.x, y: turn + (text.length * METRICS.lineHeight) / 2 },
  };
}

const SELF_LINE = 16;

/** Dagre supports no edge to or from an expanded state. The line uses its initial state, and is clipped at its border. */
function anchorOf(id: string, folded: FoldedChart): string {
  if (!folded.open.has(id)) return id;
  const children = folded.childrenOf(id);
  const first = children.find(({ isInitial }) => isInitial) ?? children[0];
  return first === undefined ? id : anchorOf(first.id, folded);
}

function clipped(
  points: readonly Point[],
  { from, to }: FoldedLine,
  boxes: ReadonlyMap<string, Box>,
): readonly Point[] {
  const [start, end] = [boxes.get(from), boxes.get(to)];
  let clippedPoints = points;
  if (start?.isOpen === true && !isInside(to, from)) clippedPoints = clipStart(clippedPoints, start);
  if (end?.isOpen === true && !isInside(from, to))
    clippedPoints = clipStart(clippedPoints.toReversed(), end).toReversed();
  return clippedPoints;
}

function isInside(id: string, outer: string): boolean {
  return id.startsWith(`${outer}.`);
}

/** An expanded state has room for its name above its children. */
function boxOf(state: ChartState, { x, y, width, height }: Rectangle, folded: FoldedChart): Box {
  const room = TITLE * titlesIn(state.id, folded);
  return {
    state,
    x,
    y: y - room / 2,
    width,
    height: height + room,
    isCompound: folded.childrenOf(state.id).length > 0,
    isOpen: folded.open.has(state.id),
  };
}

const TITLE = 14;

/** Returns the number of names above each other in a state. */
function titlesIn(id: string, folded: FoldedChart): number {
  if (!folded.open.has(id)) return 0;
  return 1 + Math.max(0, ...folded.childrenOf(id).map((state) => titlesIn(state.id, folded)));
}

function sizeOf({ name, kind }: ChartState, notes: readonly string[]): { width: number; height: number } {
  const { letter, smallLetter, lineHeight, nameHeight, padding } = METRICS;
  if (kind === "history") return { width: 28, height: 28 };
  const width = Math.max(name.length * letter, ...notes.map((note) => note.length * smallLetter)) + 2 * padding;
  const frame = kind === "final" ? 8 : 0;
  return { width: width + frame, height: nameHeight + notes.length * lineHeight + padding };
}

/** Returns the estimated size of a label. */
export function textSize(lines: readonly string[]): { width: number; height: number } {
  const longest = Math.max(0, ...lines.map((line) => line.length));
  return { width: longest * METRICS.smallLetter, height: lines.length * METRICS.lineHeight };
}
