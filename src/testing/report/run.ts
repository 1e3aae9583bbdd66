import type { History } from "../../history/history.ts";
import { formatHistory } from "../../history/history-text.ts";
import { checkHistory, type Violation } from "../judge/check-history.ts";
import { type Chooser, Follower, formatSchedule, type Schedule } from "../sim/schedule.ts";
import { type Scenario, simulateChoosing } from "../sim/simulate.ts";
import { drawLanes } from "./lanes.ts";
import { drawSequence } from "./sequence-diagram.ts";

/** Something that a run broke: a guarantee, or what the option `holds` says. */
export type Broken =
  | Violation
  | (Omit<Violation, "guarantee"> & { readonly guarantee: "holds"; readonly error: unknown });

/** A run that was simulated, judged, and can be looked at. */
export class Run {
  /** What to give to `replay`, to see the same run again. */
  readonly schedule: string;
  readonly history: History;
  /** What it broke, in the order of the lines; nothing when all went well. */
  readonly broken: readonly Broken[];

  constructor(schedule: Schedule, history: History, broken: readonly Broken[]) {
    this.schedule = formatSchedule(schedule);
    this.history = history;
    this.broken = broken;
  }

  /** Numbered lanes: what each process did, and what the store held. */
  get lanes(): string {
    return drawLanes(this.history, this.broken);
  }

  /** The run as a Mermaid sequence diagram. */
  get mermaid(): string {
    return drawSequence(this.history, this.broken);
  }

  /** The history as NDJSON: for `checkHistory`, and the inspector. */
  get ndjson(): string {
    return formatHistory(this.history);
  }

  /** How often a message was delivered. */
  get deliveries(): number {
    return this.history.filter(({ type }) => type === "delivered").length;
  }

  /** What went wrong, in order. */
  get faults(): readonly string[] {
    return this.history.flatMap((line) => (line.type === "fault" ? [line.fault] : []));
  }

  /** How often another process went on than before. */
  get contextSwitches(): number {
    const processes = new Set(this.history.flatMap((line) => (line.type === "delivered" ? [line.process] : [])));
    const atWork = this.history.flatMap((line) =>
      line.type !== "history" && processes.has(line.process) ? [line.process] : [],
    );
    return atWork.filter((process, index) => index > 0 && process !== atWork[index - 1]).length;
  }

  /** How often a message was delivered to a process that worked on another one. */
  get overlaps(): number {
    const underWay = new Map<string, number>();
    let overlaps = 0;
    for (const line of this.history) {
      if (line.type !== "delivered" && line.type !== "answered") continue;
      const before = underWay.get(line.process) ?? 0;
      if (line.type === "delivered" && before > 0) overlaps += 1;
      underWay.set(line.process, line.type === "delivered" ? before + 1 : before - 1);
    }
    return overlaps;
  }

  toString(): string {
    return this.lanes;
  }
}

/** Runs a schedule and judges what was seen. */
export async function runSchedule(scenario: Scenario, schedule: Schedule): Promise<Run> {
  const follower = new Follower(schedule);
  return runChoosing(scenario, follower, () => follower.taken);
}

/** The same, with somebody else choosing; `taken` is asked afterwards what was chosen. */
export async function runChoosing(scenario: Scenario, chooser: Chooser, taken: () => Schedule): Promise<Run> {
  const { history, holds } = await simulateChoosing(scenario, chooser);
  const broken: Broken[] = [...checkHistory(history)];
  try {
    await holds();
  } catch (error) {
    const why = (error instanceof Error ? error.message : String(error)).trim();
    broken.push({ guarantee: "holds", line: history.length, why, error });
  }
  return new Run(taken(), history, broken);
}
