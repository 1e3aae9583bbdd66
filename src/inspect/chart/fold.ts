import type { Chart, ChartState, ChartTransition } from "./chart.ts";

/** A line: all transitions between two visible states. */
export interface FoldedLine {
  readonly from: string;
  readonly to: string;
  readonly transitions: readonly ChartTransition[];
}

/** The visible part of a chart in which only some states are expanded. */
export interface Folded {
  /** Visible states, parents before children. */
  readonly states: readonly ChartState[];
  readonly lines: readonly FoldedLine[];
  /** Expanded states. */
  readonly open: ReadonlySet<string>;
  /** Child states by parent, visible or not. */
  readonly children: ReadonlyMap<string, readonly ChartState[]>;
}

/** Collapses all states except the open ones. Transitions within a collapsed state are hidden; the others start or end at it. */
export function fold(chart: Chart, isOpen: (state: ChartState) => boolean): Folded {
  const children = new Map<string, ChartState[]>();
  for (const state of chart.states) children.set(state.parent, [...(children.get(state.parent) ?? []), state]);
  const open = new Set<string>();
  const shownAs = new Map<string, string>();
  const states: ChartState[] = [];
  // Parents precede their children.
  for (const state of chart.states) {
    const isShown = state.parent === "" || open.has(state.parent);
    shownAs.set(state.id, isShown ? state.id : (shownAs.get(state.parent) ?? state.id));
    if (!isShown) continue;
    states.push(state);
    if (children.has(state.id) && isOpen(state)) open.add(state.id);
  }
  const lines = new Map<string, FoldedLine>();
  for (const transition of chart.transitions) {
    const from = shownAs.get(transition.from) ?? transition.from;
    const to = shownAs.get(transition.to) ?? transition.to;
    const isHidden = from === to && (from !== transition.from || to !== transition.to);
    if (isHidden) continue;
    const id = `${from} ${to}`;
    lines.set(id, { from, to, transitions: [...(lines.get(id)?.transitions ?? []), transition] });
  }
  return { states, lines: [...lines.values()], open, children };
}
