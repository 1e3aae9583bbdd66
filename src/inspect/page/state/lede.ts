import type { Tone } from "./events.ts";
import type { Session } from "./session.ts";
import { count } from "./words.ts";

/** A piece of a sentence; one with a tone is a number that stands out. */
export interface Phrase {
  readonly text: string;
  readonly tone?: Tone;
}

/** What has happened, in a sentence. */
export function ledeOf({ source, totals }: Session): readonly Phrase[] {
  const number = (value: number, tone: Tone): Phrase => ({ text: count(value), tone });
  const dispatched = (totals.committed ?? 0) + (totals.unconfirmed ?? 0) + (totals.superseded ?? 0);
  const { duplicate = 0, pending = 0, released = 0 } = totals;
  const failed: readonly Phrase[] = [
    number(released, "failure"),
    { text: released === 1 ? " failed and gave its key back" : " failed and gave their keys back" },
  ];
  if (source?.sees === "cluster") {
    return [
      number(dispatched, "dispatched"),
      { text: " events were dispatched and committed, " },
      ...failed,
      { text: "." },
    ];
  }
  const deliveries = dispatched + duplicate + pending + released;
  return [
    { text: `Of ${count(deliveries)} deliveries, ` },
    number(dispatched, "dispatched"),
    { text: " were dispatched, each event once; " },
    number(duplicate, "duplicate"),
    { text: ` ${duplicate === 1 ? "was a duplicate and was" : "were duplicates and were"} suppressed; ` },
    number(pending, "pending"),
    { text: " met a replica already at work and went back; " },
    ...failed,
    { text: "." },
  ];
}
