import { amount, counted } from "../../../internal/counted.ts";
import { secondsText } from "../../terminal/format.ts";
import type { Paint } from "../../terminal/paint.ts";
import { printable } from "../../terminal/printable.ts";
import type { Pause } from "../dispatch-lines.ts";
import { problemText } from "../event/event-problem.ts";
import { failureText } from "../failure.ts";
import { doubtText } from "./doubt.ts";
import { addLine, emptyTally, type LineResult, type LineTally, lineJson, linesSucceeded } from "./line-results.ts";
import type { ReportFormat } from "./report.ts";
import { DOUBTFUL, dispatchRows, rowIfAny, runProgressText } from "./summary-table.ts";

/** @param share returns the fraction of the input that was read, if known. */
export function linesReport(target: string, share: () => number | undefined): ReportFormat<LineResult, LineTally> {
  return {
    empty: emptyTally,
    add: addLine,
    hasSucceeded: linesSucceeded,
    resultText: lineText,
    progress: (tally, durationMs) =>
      runProgressText(
        [
          percentage(share()),
          counted(tally.lines, "line"),
          `${amount(tally.dispatched)} dispatched`,
          counted(tally.duplicates, "duplicate"),
          tally.failed > 0 ? `${amount(tally.failed)} failed` : undefined,
          tally.unreadable > 0 ? `${amount(tally.unreadable)} unreadable` : undefined,
        ],
        tally.lines,
        durationMs,
      ),
    headline: (tally, durationMs) =>
      `${counted(tally.lines, "line")} to ${printable(target)} in ${secondsText(durationMs)}` +
      ` (${amount((tally.lines * 1_000) / Math.max(durationMs, 1))}/s)`,
    summary: (tally) => [
      ...dispatchRows(tally),
      ...rowIfAny("failed", tally.failed),
      ...rowIfAny("unreadable", tally.unreadable),
      ...rowIfAny("unfinished", tally.unfinished, "because of the interruption"),
      ...rowIfAny("doubtful", tally.doubtful, DOUBTFUL),
    ],
    toJson: lineJson,
  };
}

function percentage(share: number | undefined): string | undefined {
  return share === undefined ? undefined : `${Math.floor(share * 100)} %`;
}

/** Describes a line that needs attention. Returns undefined for the others. */
export function lineText(result: LineResult, paint: Paint): string | undefined {
  const where = paint("dim", `line ${result.line}`);
  if (result.outcome === "unreadable") {
    return `${where}  ${paint("yellow", "unreadable")}  ${problemText(result.problem)}`;
  }
  const which = printable(`${result.type} ${result.eventId}`);
  switch (result.outcome) {
    case "duplicate":
      return undefined;
    case "unfinished":
      return `${where}  ${paint("yellow", "unfinished")}  ${which}: ${result.attempts > 0 ? "aborted during its dispatch" : "not started"}`;
    case "failed":
      return `${where}  ${paint("red", "failed")}  ${which}: ${failureText(result.failure)}${attemptsClause(result.attempts)}`;
    case "dispatched":
      return doubtText(result.commit, where, which, paint);
  }
}

/** Describes a long pause before a retry. */
export function pauseText({ line, event, failure, delayMs }: Pause, paint: Paint): string {
  const which = printable(`${event.attributes["type"] ?? ""} ${event.eventId}`);
  const reason = failure.failure === "status" && failure.retryAfterMs !== undefined ? " (Retry-After)" : "";
  return `${paint("dim", `line ${line}`)}  ${paint("yellow", "waiting")}  ${which}: ${failureText(failure)}; retrying in ${secondsText(delayMs)}${reason}`;
}

function attemptsClause(attempts: number): string {
  return attempts > 1 ? ` (${amount(attempts)} attempts)` : "";
}
