import type { ErrorCode } from "../../errors.ts";
import type { CommitOutcome } from "../../model/decision.ts";
import type { DedupKey } from "../../model/identity.ts";
import type { LineProblem } from "./incoming.ts";
import type { DispatchFailure } from "./target.ts";

/** Why an event was not dispatched: the target did not take it, or Latchkey could not vouch for it. */
export type Failure =
  | DispatchFailure
  | { readonly failure: "latchkey"; readonly code: ErrorCode; readonly message: string };

/** How the work on one event ended. */
export type EventEnding =
  | { readonly outcome: "dispatched"; readonly commit: CommitOutcome; readonly tries: number }
  | { readonly outcome: "duplicate" }
  | { readonly outcome: "failed"; readonly failure: Failure; readonly tries: number }
  /** Not dispatched because the run was interrupted. */
  | { readonly outcome: "left"; readonly tries: number };

/** How one line of the input ended. */
export type LineResult =
  | { readonly outcome: "unreadable"; readonly line: number; readonly problem: LineProblem }
  | (EventEnding & {
      readonly line: number;
      readonly eventId: string;
      /** The type of the event. */
      readonly type: string;
      readonly key: DedupKey;
    });

/** How many lines ended how. */
export interface Tally {
  readonly lines: number;
  readonly dispatched: number;
  /** Of those dispatched: after a dispatch that failed. */
  readonly retried: number;
  /** Of those dispatched: the commit is `superseded` or `unconfirmed`, so that the event may run twice. */
  readonly doubtful: number;
  readonly duplicates: number;
  readonly failed: number;
  readonly unreadable: number;
  readonly left: number;
}

export const emptyTally: Tally = {
  lines: 0,
  dispatched: 0,
  retried: 0,
  doubtful: 0,
  duplicates: 0,
  failed: 0,
  unreadable: 0,
  left: 0,
};

export function counted(tally: Tally, result: LineResult): Tally {
  const next = { ...tally, lines: tally.lines + 1 };
  switch (result.outcome) {
    case "dispatched":
      return {
        ...next,
        dispatched: next.dispatched + 1,
        retried: next.retried + (result.tries > 1 ? 1 : 0),
        doubtful: next.doubtful + (isDoubtful(result.commit) ? 1 : 0),
      };
    case "duplicate":
      return { ...next, duplicates: next.duplicates + 1 };
    case "failed":
      return { ...next, failed: next.failed + 1 };
    case "unreadable":
      return { ...next, unreadable: next.unreadable + 1 };
    case "left":
      return { ...next, left: next.left + 1 };
  }
}

/** Whether nobody can vouch that the event was dispatched once. */
export function isDoubtful(commit: CommitOutcome): boolean {
  return commit === "superseded" || commit === "unconfirmed";
}

/** Whether every event ended well. */
export function endedWell(tally: Tally): boolean {
  return tally.failed + tally.unreadable + tally.left + tally.doubtful === 0;
}
