import type { Chart, ChartState, ChartTransition } from "./chart.ts";

/** A line: all transitions between two visible states. */
export interface FoldedLine {
  readonly from: string;
  readonly to: string;
  readonly transitions: readonly ChartTransition[];
}

/** The visible part of a chart in which only some states are expanded. */
export interface FoldedChart {
  /** Visible states, parents before children. */
  readonly states: readonly ChartState[];
  readonly lines: readonly FoldedLine[];
  /** Expanded states. */
  readonly open: ReadonlySet<string>;
  /** Returns the child states of a state, visible or not. */
  childrenOf(id: string): readonly ChartState[];
}

/** Collapses all states except the open ones. Transitions within a collapsed state are hidden; the others start or end at it. */
export function foldChart(chart: Chart, isOpen: (state: ChartState) => boolean): FoldedChart {
  const childrenOf = (id: string): readonly ChartState[] => chart.states.filter(({ parent }) => parent === id);
  const open = new Set<string>();
  const shownAs = new Map<string, string>();
  const shownAt = (id: string): string => shownAs.get(id) ?? id;
  const states: ChartState[] = [];
  // Parents precede their children.
  for (const state of chart.states) {
    const isShown = state.parent === "" || open.has(state.parent);
    shownAs.set(state.id, isShown ? state.id : shownAt(state.parent));
    if (!isShown) continue;
    states.push(state);
    if (childrenOf(state.id).length > 0 && isOpen(state)) open.add(state.id);
  }
  const lines = new Map<string, FoldedLine>();
  for (const transition of chart.transitions) {
    const from = shownAt(transition.from);
    const to = shownAt(transition.to);
    const isHidden = from === to && (from !== transition.from || to !== transition.to);
    if (isHidden) continue;
    const id = `${from} ${to}`;
    lines.set(id, { from, to, transitions: [...(lines.get(id)?.transitions ?? []), transition] });
  }
  return { states, lines: [...lines.values()], open, childrenOf };
}
