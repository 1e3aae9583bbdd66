import { dedupKeyMachine } from "../../../../machines/dedup-key.ts";
import { type ChartState, type ChartTransition, chartOf } from "../../chart/chart.ts";
import { type Drawing, type Line, layOut } from "../../chart/layout.ts";
import { TOLD_TRANSITIONS } from "../../trace/lifecycle.ts";
import { glosses, lineWords } from "./glossary.ts";
import type { Session } from "./session.ts";

export const chart = chartOf(dedupKeyMachine);

const told = new Set(TOLD_TRANSITIONS);

/** Room for a number, as numbers change and the drawing must not. */
const ROOM = "000,000 · 00/s";

/** Where everything of the machine stands when only some of its states are open. */
export function drawingOf(open: ReadonlySet<string>): Drawing {
  return layOut(chart, {
    isOpen: ({ id }) => open.has(id),
    direction: "right",
    textOf: (transitions) => [
      labelOf(transitions, open),
      ...(transitions.some(({ id }) => told.has(id)) ? [ROOM] : []),
    ],
    notesOf: ({ id, parent }) =>
      parent !== "" ? [] : id === "unseen" ? [glosses[id] ?? ""] : [glosses[id] ?? "", ROOM],
  });
}

/** A line between states that are folded, in words; of another the event, or that which is counted and how many more there are. */
export function labelOf(transitions: readonly ChartTransition[], open: ReadonlySet<string>): string {
  const [first] = transitions;
  const ends = [first?.from, first?.to].map((id = "") => id.split(".", 1)[0] ?? "");
  const words = ends.some((id) => open.has(id)) ? undefined : lineWords[ends.join(" ")];
  if (words !== undefined) return words;
  const events = new Set(transitions.map(({ event }) => event));
  const main = transitions.find(({ id }) => told.has(id)) ?? first;
  const name = main?.event ?? "";
  return events.size > 1 ? `${name} +${events.size - 1}` : name;
}

/** What is counted at a line. */
export interface LineCount {
  readonly total: number;
  readonly perSecond: number;
  /** Changes each time that it is taken; 0 before. */
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

/** What is in a state now; of one in which a delivery ends, how many have. `undefined` for one of which nobody tells. */
export function standingIn(
  state: ChartState,
  session: Session,
): { readonly value: number; readonly isTotal: boolean } | undefined {
  if (state.kind === "final") {
    const into = chart.transitions.filter(({ to }) => to === state.id);
    return { value: into.reduce((sum, { id }) => sum + session.rates.total(id), 0), isTotal: true };
  }
  return /^(reserved|expired)\b/.test(state.id) ? { value: session.countIn(state.id), isTotal: false } : undefined;
}
