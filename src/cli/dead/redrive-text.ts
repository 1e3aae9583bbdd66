import { amount, counted } from "../../internal/counted.ts";
import type { RedriveRefusal, RedriveResult } from "../../model/dead-letter.ts";
import { escaped } from "../terminal/printable.ts";

/** Number of letters by what became of them. */
export interface LetterCounts {
  readonly done: number;
  readonly left: number;
  readonly gone: number;
}

export type DeadEnd = "done" | "declined" | "dry-run" | "nothing-to-do" | "interrupted";

const DONE = { redrive: "redriven", drop: "dropped" } as const;

export function deadEndText(end: DeadEnd, action: keyof typeof DONE, planned: number, counts: LetterCounts): string {
  switch (end) {
    case "nothing-to-do":
      return "No letters match.\n";
    case "dry-run":
      return `Nothing was ${DONE[action]}: this was a dry run.\n`;
    case "declined":
      return `Nothing was ${DONE[action]}.\n`;
    case "interrupted":
      return `Interrupted: ${amount(counts.done)} of ${counted(planned, "letter")} ${DONE[action]}.\n`;
    case "done": {
      const { done, left, gone } = counts;
      const others = [
        ...(left > 0 ? [`${amount(left)} ${left === 1 ? "stays" : "stay"}`] : []),
        ...(gone > 0 ? [`${amount(gone)} ${gone === 1 ? "was" : "were"} gone`] : []),
      ];
      return `${[`${counted(done, "letter")} ${DONE[action]}`, ...others].join(", ")}.\n`;
    }
  }
}

/** Explains why a letter stays, and what to do. Returns nothing for a letter that is gone. */
export function refusalLine(sequence: number, event: string, result: RedriveResult): string {
  return result.result === "left" ? `Letter ${sequence} (${escaped(event)}) stays: ${refusalText(result)}.\n` : "";
}

export function refusalText(refusal: RedriveRefusal): string {
  switch (refusal.why) {
    case "dispatched":
      return `${escaped(refusal.owner)} has dispatched its event. Drop it, or clear the event's key to dispatch it again`;
    case "in-progress":
      return `${escaped(refusal.owner)} is dispatching its event. Try again when that has ended`;
    case "unreadable-record":
      return `the event's key holds no readable record: ${escaped(refusal.problem)}. Clear it with \`latchkey clear --state unreadable\``;
    case "no-body":
      return "it was stored without its body, and the original is gone. Ask the sender to send it again";
    case "no-headers":
      return "the original's headers were unreadable, and a redrive would lose them. Publish it by hand, or drop it";
    case "contended":
      return "the event's key kept changing. Try again";
  }
}
