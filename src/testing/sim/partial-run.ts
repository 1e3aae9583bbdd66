import type { History } from "../../history/history.ts";
import type { Scenario } from "./scenario.ts";
import type { Choice, Chooser, Schedule } from "./schedule.ts";
import type { ScheduledOperation } from "./scheduler.ts";
import { Simulation } from "./simulate.ts";

/** A run up to the first choice that its schedule does not make. */
export interface PartialRun {
  readonly history: History;
  /** Operations that can happen next, in the order of a schedule's numbers. Empty if the run has ended. */
  readonly possible: readonly ScheduledOperation[];
}

/** Runs a schedule up to its end, and returns what can happen next. */
export async function simulatePartly(scenario: Scenario, schedule: Schedule): Promise<PartialRun> {
  const chooser = new PausingFollower(schedule);
  const simulation = new Simulation(scenario, chooser);
  try {
    const { history } = await simulation.run();
    return { history, possible: [] };
  } catch (error) {
    if (!(error instanceof Pause)) throw error;
    return { history: simulation.history, possible: error.operations };
  }
}

/** Thrown where a schedule ends. */
class Pause extends Error {
  readonly operations: readonly ScheduledOperation[];

  constructor(operations: readonly ScheduledOperation[]) {
    super("The schedule has ended");
    this.operations = operations;
  }
}

class PausingFollower implements Chooser<ScheduledOperation> {
  readonly mayFail = true;
  readonly #schedule: Schedule;
  #next = 0;

  constructor(schedule: Schedule) {
    this.#schedule = schedule;
  }

  pick({ count, operations }: Choice<ScheduledOperation>): number {
    const choice = this.#schedule[this.#next];
    if (choice === undefined) throw new Pause(operations);
    this.#next += 1;
    return choice % count;
  }
}
