import type { CommitOutcome } from "../../../model/decision.ts";
import type { DedupKey } from "../../../model/dedup-key.ts";
import { type EventProblem, problemText } from "../event/event-problem.ts";
import { type EventFailure, failureText } from "../failure.ts";
import { isDoubtful } from "./doubt.ts";

/** Result of the handling of one event. */
export type EventResult =
  | { readonly outcome: "dispatched"; readonly commit: CommitOutcome; readonly attempts: number }
  | { readonly outcome: "duplicate" }
  | { readonly outcome: "failed"; readonly failure: EventFailure; readonly attempts: number }
  /** Not dispatched, because the run was interrupted. */
  | { readonly outcome: "unfinished"; readonly attempts: number };

/** Result of the handling of one line. */
export type LineResult =
  | { readonly outcome: "unreadable"; readonly line: number; readonly problem: EventProblem }
  | (EventResult & {
      readonly line: number;
      readonly eventId: string;
      /** Type of the event. */
      readonly type: string;
      readonly key: DedupKey;
    });

/** Returns a result as JSON output, with its reason as a sentence. */
export function lineJson(result: LineResult): object {
  if (result.outcome === "unreadable") return { ...result, reason: problemText(result.problem) };
  return result.outcome === "failed" ? { ...result, reason: failureText(result.failure) } : result;
}

/** Number of lines by outcome. */
export interface LineTally {
  readonly lines: number;
  readonly dispatched: number;
  /** Dispatched events that failed at least once before. */
  readonly retried: number;
  /** Dispatched events whose commit is `superseded` or `unconfirmed`: they may run twice. */
  readonly doubtful: number;
  readonly duplicates: number;
  readonly failed: number;
  readonly unreadable: number;
  readonly unfinished: number;
}

export const emptyTally: LineTally = {
  lines: 0,
  dispatched: 0,
  retried: 0,
  doubtful: 0,
  duplicates: 0,
  failed: 0,
  unreadable: 0,
  unfinished: 0,
};

export function addLine(tally: LineTally, result: LineResult): LineTally {
  const next = { ...tally, lines: tally.lines + 1 };
  switch (result.outcome) {
    case "dispatched":
      return {
        ...next,
        dispatched: next.dispatched + 1,
        retried: next.retried + (result.attempts > 1 ? 1 : 0),
        doubtful: next.doubtful + (isDoubtful(result.commit) ? 1 : 0),
      };
    case "duplicate":
      return { ...next, duplicates: next.duplicates + 1 };
    case "failed":
      return { ...next, failed: next.failed + 1 };
    case "unreadable":
      return { ...next, unreadable: next.unreadable + 1 };
    case "unfinished":
      return { ...next, unfinished: next.unfinished + 1 };
  }
}

/** Returns true if every event was dispatched exactly once, now or before. */
export function linesSucceeded(tally: LineTally): boolean {
  return tally.failed + tally.unreadable + tally.unfinished + tally.doubtful === 0;
}
