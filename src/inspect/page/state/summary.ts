import { amount } from "../../../internal/counted.ts";
import type { Tone } from "./event-words.ts";
import type { Session } from "./session.ts";

/** A part of a sentence. A part with a tone is a highlighted number. */
export interface Phrase {
  readonly text: string;
  readonly tone?: Tone;
}

/** Returns the number of items that still need attention. */
export function openNotices({ notices }: Pick<Session, "notices">): number {
  return notices.filter(({ resolved }) => !resolved).length;
}

/** Returns one sentence that sums up all deliveries. */
export function summaryOf({ source, totals }: Session): readonly Phrase[] {
  const number = (value: number, tone: Tone): Phrase => ({ text: amount(value), tone });
  const dispatched = (totals.committed ?? 0) + (totals.unconfirmed ?? 0) + (totals.superseded ?? 0);
  const { duplicate = 0, pending = 0, released = 0 } = totals;
  const were = (value: number): string => (value === 1 ? "was" : "were");
  const failed: readonly Phrase[] = [
    number(released, "failure"),
    { text: released === 1 ? " failed and released its key" : " failed and released their keys" },
  ];
  if (source?.sees === "cluster") {
    return [
      number(dispatched, "dispatched"),
      { text: ` ${dispatched === 1 ? "event was" : "events were"} dispatched and committed, ` },
      ...failed,
      { text: "." },
    ];
  }
  // A history of the testing kit contains the deliveries themselves, also those that a crash or a nak ended.
  const deliveries = totals.delivered ?? dispatched + duplicate + pending + released;
  return [
    { text: `Of ${amount(deliveries)} ${deliveries === 1 ? "delivery" : "deliveries"}, ` },
    number(dispatched, "dispatched"),
    { text: ` ${were(dispatched)} dispatched; ` },
    number(duplicate, "duplicate"),
    { text: ` ${duplicate === 1 ? "was a duplicate and was" : "were duplicates and were"} suppressed; ` },
    number(pending, "pending"),
    { text: ` found the event pending on another replica and ${pending === 1 ? "comes" : "come"} back; ` },
    ...failed,
    { text: "." },
  ];
}
