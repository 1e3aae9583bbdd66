import { counted } from "../../internal/counted.ts";
import type { Run } from "./run.ts";
import { headlineOf } from "./run-violation.ts";

/** The smallest run found in which the handler breaks something. The message shows the run; `run` has it in other forms. */
export class CounterexampleError extends Error {
  override readonly name = "CounterexampleError";
  /** Run that breaks a guarantee. */
  readonly run: Run;

  /**
   * @param search One sentence that describes how the run was found.
   * @param options are the options that repeat the run, as code.
   */
  constructor(run: Run, search: string, options = "options") {
    const [first] = run.violations;
    super(
      [
        `The handler breaks ${run.violations.slice(0, 1).map(headlineOf).join("")}`,
        "",
        run.lanes,
        "",
        `${search} The run has ${sizeOf(run)}.`,
        `To repeat this run: await replay("${run.schedule}", handler, ${options})`,
        "As a Mermaid sequence diagram: `error.run.mermaid`; for the inspector: `error.run.ndjson`",
      ].join("\n"),
      first?.guarantee === "holds" ? { cause: first.error } : undefined,
    );
    this.run = run;
  }
}

function sizeOf({ deliveries, faults, contextSwitches }: Run): string {
  const happened = faults.length === 0 ? "no fault" : `${counted(faults.length, "fault")} (${faults.join(", ")})`;
  return `${counted(deliveries, "delivery", "deliveries")}, ${happened} and ${counted(contextSwitches, "context switch", "context switches")}`;
}

/** The handler behaved differently when the same schedule was run again. */
export class NotRepeatableError extends Error {
  override readonly name = "NotRepeatableError";

  constructor(run: Run, again: Run) {
    const at = run.history.findIndex((line, index) => JSON.stringify(line) !== JSON.stringify(again.history[index]));
    super(
      [
        `The same schedule, "${run.schedule}", gave another run the second time, from line ${at + 1} on:`,
        `  ${JSON.stringify(run.history[at])}`,
        `  ${JSON.stringify(again.history[at])}`,
        "A counterexample could not be repeated. To make the handler repeatable, replace:",
        "  - `Math.random` and `randomUUID` by the replica's `newId`",
        "  - `Date.now` and `performance.now` by the replica's `clock`",
        "  - state that all processes of a run share, and no other run does, by the option `world`",
      ].join("\n"),
    );
  }
}
