import type { History } from "../../history/history.ts";
import { formatHistory } from "../../history/history-text.ts";
import { drawLanes } from "./lanes.ts";
import { type RunViolation, titleOf } from "./run-violation.ts";
import { drawSequence } from "./sequence-diagram.ts";

/** A simulated and judged run. */
export class Run {
  /** Schedule of the run: pass it to `replay` to see the same run again. */
  readonly schedule: string;
  /** History of the run. */
  readonly history: History;
  /** Violations of the run, in the order of the lines. */
  readonly violations: readonly RunViolation[];

  constructor(schedule: string, history: History, violations: readonly RunViolation[]) {
    this.schedule = schedule;
    this.history = history;
    this.violations = violations;
  }

  /** Numbered lanes: the actions of each process, and what the store held. */
  get lanes(): string {
    return drawLanes(this.history, this.violations);
  }

  /** The run as a Mermaid sequence diagram. */
  get mermaid(): string {
    return drawSequence(this.history, this.violations);
  }

  /** The history as NDJSON, for `checkHistory` and the inspector. Its header names the violations. */
  get ndjson(): string {
    const [header, ...lines] = this.history;
    if (header?.type !== "history" || this.violations.length === 0) return formatHistory(this.history);
    const violations = this.violations.map((violation) => {
      const { line, why } = violation;
      return { guarantee: titleOf(violation), line, why };
    });
    return formatHistory([{ ...header, violations }, ...lines]);
  }

  /** Number of deliveries. */
  get deliveries(): number {
    return this.history.filter(({ type }) => type === "delivered").length;
  }

  /** Names of the faults, in order. */
  get faults(): readonly string[] {
    return this.history.flatMap((line) => (line.type === "fault" ? [line.fault] : []));
  }

  /** Number of switches from one process to another. */
  get contextSwitches(): number {
    const processes = new Set(this.history.flatMap((line) => (line.type === "delivered" ? [line.process] : [])));
    const running = this.history.flatMap((line) =>
      line.type !== "history" && processes.has(line.process) ? [line.process] : [],
    );
    return running.filter((process, index) => index > 0 && process !== running[index - 1]).length;
  }

  /** Number of messages delivered to a process that was still handling another one. */
  get overlaps(): number {
    const inFlight = new Map<string, number>();
    let overlaps = 0;
    for (const line of this.history) {
      if (line.type !== "delivered" && line.type !== "answered") continue;
      const before = inFlight.get(line.process) ?? 0;
      if (line.type === "delivered" && before > 0) overlaps += 1;
      inFlight.set(line.process, line.type === "delivered" ? before + 1 : before - 1);
    }
    return overlaps;
  }

  /** Returns the run as lanes, one per process. */
  toString(): string {
    return this.lanes;
  }
}
