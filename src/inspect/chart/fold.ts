import type { Chart, ChartState, ChartTransition } from "./chart.ts";

/** A line to be drawn: all transitions between two states that are shown. */
export interface FoldedLine {
  readonly from: string;
  readonly to: string;
  readonly transitions: readonly ChartTransition[];
}

/** What of a chart is shown when only some of its states are open. */
export interface Folded {
  /** From the outside in. */
  readonly states: readonly ChartState[];
  readonly lines: readonly FoldedLine[];
  /** The states that are shown with the states inside. */
  readonly open: ReadonlySet<string>;
  /** The states inside a state, shown or not. */
  readonly inside: ReadonlyMap<string, readonly ChartState[]>;
}

/** Folds all states but those that are to be open: what happens inside a folded state is not shown, what leaves it leaves it. */
export function fold(chart: Chart, isOpen: (state: ChartState) => boolean): Folded {
  const inside = new Map<string, ChartState[]>();
  for (const state of chart.states) inside.set(state.parent, [...(inside.get(state.parent) ?? []), state]);
  const open = new Set<string>();
  const shownAs = new Map<string, string>();
  const states: ChartState[] = [];
  // A state stands behind the one around it.
  for (const state of chart.states) {
    const isShown = state.parent === "" || open.has(state.parent);
    shownAs.set(state.id, isShown ? state.id : (shownAs.get(state.parent) ?? state.id));
    if (!isShown) continue;
    states.push(state);
    if (inside.has(state.id) && isOpen(state)) open.add(state.id);
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
  return { states, lines: [...lines.values()], open, inside };
}
