import { dedupKeyMachine } from "../../../../machines/index.ts";
import { type ChartState, type ChartTransition, chartOf } from "../../chart/chart.ts";
import { type Drawing, type Line, layOut } from "../../chart/layout.ts";
import { OBSERVED_TRANSITIONS } from "../../trace/lifecycle.ts";
import { lineWords, stateWords } from "./machine-words.ts";
import type { Session } from "./session.ts";

export const chart = chartOf(dedupKeyMachine);

const observed = new Set(OBSERVED_TRANSITIONS);

/** Placeholder that reserves room for a count, so that the layout stays the same when the count changes. */
const ROOM = "000,000 · 00/s";

/** Lays out the machine with some of its states expanded. */
export function drawingOf(open: ReadonlySet<string>): Drawing {
  return layOut(chart, {
    isOpen: ({ id }) => open.has(id),
    direction: "right",
    textOf: (transitions) => [
      labelOf(transitions, open),
      ...(transitions.some(({ id }) => observed.has(id)) ? [ROOM] : []),
    ],
    notesOf: ({ id, parent }) => (parent !== "" ? [] : [stateWords[id] ?? "", ...(id === "unseen" ? [] : [ROOM])]),
  });
}

/** Returns the label of a line: words between collapsed states, otherwise the counted event and the number of other events. */
export function labelOf(transitions: readonly ChartTransition[], open: ReadonlySet<string>): string {
  const [first] = transitions;
  const ends = [first?.from, first?.to].map((id = "") => id.slice(0, id.search(/\.|$/)));
  const words = ends.some((id) => open.has(id)) ? undefined : lineWords[ends.join(" ")];
  if (words !== undefined) return words;
  const events = new Set(transitions.map(({ event }) => event));
  const main = transitions.find(({ id }) => observed.has(id)) ?? first;
  const name = main?.event ?? "";
  return events.size > 1 ? `${name} +${events.size - 1}` : name;
}

/** Count and rate of a line. */
export interface LineCount {
  readonly total: number;
  readonly perSecond: number;
  /** Changes whenever the line is taken; 0 before the first time. */
  readonly lit: number;
}

export function countOf({ transitions }: Line, { rates }: Session, nowMs: number): LineCount {
  let [total, perSecond, lit] = [0, 0, 0];
  for (const { id } of transitions) {
    total += rates.total(id);
    perSecond += rates.perSecond(id, nowMs);
    lit += rates.lastLit(id);
  }
  return { total, perSecond, lit };
}

/** Returns the attempts in a state, or the total that ended in a final state. Returns `undefined` for a state that is not observed. */
export function attemptsIn(
  state: ChartState,
  session: Session,
): { readonly value: number; readonly isTotal: boolean } | undefined {
  if (state.kind === "final") {
    const into = chart.transitions.filter(({ to }) => to === state.id);
    return { value: into.reduce((sum, { id }) => sum + session.rates.total(id), 0), isTotal: true };
  }
  return /^(reserved|expired)\b/.test(state.id) ? { value: session.countIn(state.id), isTotal: false } : undefined;
}
