import type { CommitOutcome } from "../../../model/decision.ts";
import type { Paint } from "../../terminal/paint.ts";

/** Returns true if the event may run twice, because its commit is not certain. */
export function isDoubtful(commit: CommitOutcome): boolean {
  return commit === "superseded" || commit === "unconfirmed";
}

/** Describes a dispatched event that may run twice. Returns undefined if the commit is certain. */
export function doubtText(commit: CommitOutcome, where: string, which: string, paint: Paint): string | undefined {
  if (commit === "confirmed" || commit === "adopted") return undefined;
  return `${where}  ${paint("yellow", commit)}  ${which}: ${DOUBTS[commit]}`;
}

const DOUBTS = {
  superseded: "dispatched, but another process took the event over: it may have run twice",
  unconfirmed: "dispatched, but the store did not confirm the commit: the event may run again",
};
