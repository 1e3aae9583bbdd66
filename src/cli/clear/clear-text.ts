import { amount, counted } from "../../internal/counted.ts";
import { tallyRows } from "../stored-keys/key-tally.ts";
import type { StoredKey } from "../stored-keys/stored-key.ts";
import type { Paint } from "../terminal/paint.ts";
import type { ClearPlan } from "./clear-plan.ts";
import type { ClearCounts } from "./key-remover.ts";

const CLEARED: Readonly<Record<StoredKey["state"], string>> = {
  committed: "dispatched again at their next delivery",
  reserved: "their handlers are aborted, and the events may run twice",
  unreadable: "dispatched at their next delivery",
};

const LEFT: Readonly<Record<StoredKey["state"], string>> = {
  committed: "left (--state committed or any)",
  reserved: "left, because their handlers run (--state reserved or any)",
  unreadable: "left (--state unreadable or any)",
};

/** Formats which keys would be cleared and which would be left. */
export function planText(title: string, { toClear, toLeave, keyless, matched }: ClearPlan, paint: Paint): string {
  const rows: ReadonlyArray<readonly [state: string, number: number, what: string]> = [
    ...tallyRows(toClear).map(([state, number]) => {
      return [state, number, `${paint("yellow", "to clear")}: ${CLEARED[state]}`] as const;
    }),
    ...tallyRows(toLeave).map(([state, number]) => [state, number, LEFT[state]] as const),
    ...(keyless > 0 ? [["unreadable", keyless, "left, because they have no valid Latchkey key"] as const] : []),
  ];
  const width = Math.max(0, ...rows.map(([, number]) => amount(number).length));
  const lines = rows.map(
    ([state, number, what]) => `  ${amount(number).padStart(width)}  ${state.padEnd(10)}  ${what}`,
  );
  const headline = `In ${title} ${counted(matched, "key matches", "keys match")}`;
  return `${[rows.length === 0 ? `${headline}.` : `${headline}:`, ...lines].join("\n")}\n`;
}

/** Result of a clear. */
export type ClearEnd = "cleared" | "interrupted" | "dry-run" | "declined" | "nothing-to-do";

export function clearEndText(end: ClearEnd, { cleared, changed }: ClearCounts, planned: number): string {
  switch (end) {
    case "nothing-to-do":
      return "There is nothing to clear.\n";
    case "dry-run":
      return "Nothing was cleared: this was a dry run.\n";
    case "declined":
      return "Nothing was cleared.\n";
    case "interrupted":
      return `Interrupted: cleared ${amount(cleared)} of ${counted(planned, "key")}.\n`;
    case "cleared":
      return `Cleared ${counted(cleared, "key")}.${changed > 0 ? ` ${changedSentence(changed)}` : ""}\n`;
  }
}

function changedSentence(changed: number): string {
  return `${amount(changed)} changed since ${changed === 1 ? "it was" : "they were"} counted, and ${changed === 1 ? "was" : "were"} left.`;
}
