import type { History } from "../../history/history.ts";
import { eventsOfKeys } from "./event-keys.ts";
import { historyOrder } from "./history-order.ts";
import { Judge } from "./judge.ts";
import { knownKeys } from "./known-keys.ts";
import type { Violation } from "./violation.ts";
import { writeViolations } from "./write-rules.ts";

/**
 * Judges a recorded run, simulated or real. Returns what the run broke, in the order of its lines.
 *
 * The judge reports only what is certain, whatever the recorders missed. An effect lasts from the line that began it to the line
 * that ended it. A lease starts when its write was first sent. A write exists as soon as any line shows it.
 * A frozen process is excused until its next delivery. A store that lost an acknowledged write excuses everything that follows.
 * @throws {TypeError} when several recorders used different clocks.
 */
export function checkHistory(history: History): readonly Violation[] {
  const lines = historyOrder(history);
  const keys = knownKeys(lines);
  const judge = new Judge(eventsOfKeys(lines, keys), lines);
  for (const line of lines) judge.read(line);
  return [...judge.violations, ...writeViolations(lines, keys)].sort((a, b) => a.line - b.line);
}
