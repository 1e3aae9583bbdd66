import { amount } from "../../../internal/counted.ts";
import type { Paint } from "../../terminal/paint.ts";

/** End of a run. */
export type RunEnd = "succeeded" | "failed" | "interrupted";

/** A row of the summary. */
export interface SummaryRow {
  readonly label: string;
  readonly number: number;
  readonly remark?: string | undefined;
}

/** Formats the summary of a run as a small table. */
export function runSummaryText(end: RunEnd, headline: string, rows: readonly SummaryRow[], paint: Paint): string {
  const labelWidth = Math.max(...rows.map(({ label }) => label.length));
  const width = Math.max(...rows.map(({ number }) => amount(number).length));
  const lines = rows.map(({ label, number, remark }) => {
    const row = `  ${label.padEnd(labelWidth)}  ${amount(number).padStart(width)}`;
    return remark === undefined ? row : `${row}  ${paint("dim", remark)}`;
  });
  return `${[`${endMark(end, paint)} ${headline}`, ...lines].join("\n")}\n`;
}

function endMark(end: RunEnd, paint: Paint): string {
  switch (end) {
    case "succeeded":
      return paint("green", "✓");
    case "failed":
      return paint("red", "✗");
    case "interrupted":
      return `${paint("yellow", "■")} interrupted:`;
  }
}

/** Returns the row unless its number is 0. */
export function rowIfAny(label: string, number: number, remark?: string): readonly SummaryRow[] {
  return number > 0 ? [{ label, number, remark }] : [];
}

/** Rows that the summaries of lines and of streams share. */
export function dispatchRows(tally: {
  readonly dispatched: number;
  readonly retried: number;
  readonly duplicates: number;
}): readonly SummaryRow[] {
  const { dispatched, retried, duplicates } = tally;
  return [
    { label: "dispatched", number: dispatched, remark: retried > 0 ? `${amount(retried)} after a retry` : undefined },
    { label: "duplicates", number: duplicates, remark: duplicates > 0 ? "not dispatched again" : undefined },
  ];
}

/** Remark on events whose commit is not certain. */
export const DOUBTFUL = "of those dispatched: they may run twice";

/** Formats the status line of a run. */
export function runProgressText(parts: ReadonlyArray<string | undefined>, handled: number, durationMs: number): string {
  const rate = `${amount((handled * 1_000) / Math.max(durationMs, 1))}/s`;
  return [...parts, rate].filter((part) => part !== undefined).join(" · ");
}
