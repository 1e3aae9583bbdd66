import type { History } from "../../history/history.ts";
import { inOrder } from "./history-order.ts";
import { Judge } from "./judge.ts";
import { knownWrites } from "./known-writes.ts";
import { writeViolations } from "./write-rules.ts";

/** The guarantees that a history can break. */
export type Guarantee = "G1" | "G2" | "G3" | "G4" | "G5" | "G6" | "G7" | "G8" | "G9";

/** A guarantee that did not hold, and where. */
export interface Violation {
  readonly guarantee: Guarantee;
  /** The number of the line that shows it, counting from 1: in NDJSON, the line of the text. */
  readonly line: number;
  /** What happened that should not have, in words. */
  readonly why: string;
}

/**
 * Judges a recorded run, simulated or real: what it broke, in the order of its lines.
 *
 * Only what is certain is told, whatever the recorders could not see: effects are taken to last from the line that began them to
 * the line that ended them, a lease from when its write was first sent, a write to have been there when somebody first said so.
 * A process that stood still may be late, and is excused until its next delivery. A store that forgot what it had acknowledged
 * excuses everything that follows from it.
 * @throws {TypeError} when several recorders used different clocks.
 */
export function checkHistory(history: History): readonly Violation[] {
  const lines = inOrder(history);
  const writes = knownWrites(lines);
  const judge = new Judge(writes);
  for (const placed of lines) judge.read(placed);
  return [...judge.violations, ...writeViolations(lines, writes)].sort((a, b) => a.line - b.line);
}
