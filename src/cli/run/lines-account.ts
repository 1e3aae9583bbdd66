import { failureSentence, lineSentence, linesSummary, problemSentence, progressText } from "../terminal/sentences.ts";
import { amount, count, printable, seconds } from "../terminal/style.ts";
import type { Account } from "./report.ts";
import { counted, emptyTally, endedWell, type LineResult, type Tally } from "./results.ts";

/** @param share how much of the input was read, from 0 to 1, if that is known. */
export function linesAccount(target: string, share: () => number | undefined): Account<LineResult, Tally> {
  return {
    empty: emptyTally,
    counted,
    endedWell,
    sentence: lineSentence,
    progress: (tally, durationMs) =>
      progressText(
        [
          percentage(share()),
          count(tally.lines, "line"),
          `${amount(tally.dispatched)} dispatched`,
          count(tally.duplicates, "duplicate"),
          tally.failed > 0 ? `${amount(tally.failed)} failed` : undefined,
          tally.unreadable > 0 ? `${amount(tally.unreadable)} unreadable` : undefined,
        ],
        tally.lines,
        durationMs,
      ),
    headline: (tally, durationMs) =>
      `${count(tally.lines, "line")} to ${printable(target)} in ${seconds(durationMs)}` +
      ` (${amount((tally.lines * 1_000) / Math.max(durationMs, 1))}/s)`,
    summary: linesSummary,
    toJson: withReason,
  };
}

function percentage(share: number | undefined): string | undefined {
  return share === undefined ? undefined : `${Math.floor(share * 100)} %`;
}

/** For scripts the sentence stands beside what it is made of. */
function withReason(result: LineResult): object {
  if (result.outcome === "unreadable") return { ...result, reason: problemSentence(result.problem) };
  return result.outcome === "failed" ? { ...result, reason: failureSentence(result.failure) } : result;
}
