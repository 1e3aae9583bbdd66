import { guaranteeNames } from "../judge/guarantee-names.ts";
import type { Run } from "./run.ts";

/** A run in which the handler broke a guarantee. The message shows it; `run` has it in other forms. */
export class CounterexampleError extends Error {
  override readonly name = "CounterexampleError";
  /** The least run that was found. */
  readonly run: Run;

  /** @param search says how it was found. */
  constructor(run: Run, search: string) {
    const [first] = run.broken;
    super(
      [
        `The handler does not keep ${first === undefined ? "" : titleOf(first.guarantee)}: ${first?.why.split("\n")[0] ?? ""}`,
        "",
        run.lanes,
        "",
        `${search} It takes ${sizeOf(run)}.`,
        `To see this run again: await replay("${run.schedule}", handler, options)`,
        "As a Mermaid sequence diagram: `error.run.mermaid`; for the inspector: `error.run.ndjson`",
      ].join("\n"),
      first?.guarantee === "holds" ? { cause: first.error } : undefined,
    );
    this.run = run;
  }
}

function titleOf(guarantee: keyof typeof guaranteeNames): string {
  return guarantee === "holds" ? guaranteeNames.holds : `${guarantee} (${guaranteeNames[guarantee]})`;
}

function sizeOf({ deliveries, faults, contextSwitches }: Run): string {
  const happened = faults.length === 0 ? "no fault" : `${counted(faults.length, "fault")} (${faults.join(", ")})`;
  return `${counted(deliveries, "delivery", "deliveries")}, ${happened} and ${counted(contextSwitches, "context switch", "context switches")}`;
}

export function counted(count: number, one: string, several = `${one}s`): string {
  return `${count} ${count === 1 ? one : several}`;
}

/** The handler did something else when the same schedule was run again. */
export class NotRepeatableError extends Error {
  override readonly name = "NotRepeatableError";

  constructor(run: Run, again: Run) {
    const at = run.history.findIndex((line, index) => JSON.stringify(line) !== JSON.stringify(again.history[index]));
    super(
      [
        `The same schedule, "${run.schedule}", was another run the second time, from line ${at + 1} on:`,
        `  ${JSON.stringify(run.history[at])}`,
        `  ${JSON.stringify(again.history[at])}`,
        "So nothing that is found can be repeated. What to do:",
        "  - instead of `Math.random` and `randomUUID`: the replica's `newId`",
        "  - instead of `Date.now` and `performance.now`: the replica's `clock`",
        "  - what is to be shared by all processes of one run, and by no other run: the option `world`",
      ].join("\n"),
    );
  }
}
