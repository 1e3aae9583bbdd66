import { amount, counted } from "../../internal/counted.ts";
import type { Run } from "../../testing/report/run.ts";

/** Counts what a search has explored so far. */
export class SearchCounts {
  runs = 0;
  deliveries = 0;
  effects = 0;
  readonly #faults = new Map<string, number>();

  add(run: Run): void {
    this.runs += 1;
    this.deliveries += run.deliveries;
    for (const { type } of run.history) if (type === "effect.began") this.effects += 1;
    for (const fault of run.faults) this.#faults.set(fault, (this.#faults.get(fault) ?? 0) + 1);
  }

  /** The number of each fault, the most frequent first. */
  get faults(): Readonly<Record<string, number>> {
    return Object.fromEntries([...this.#faults].sort(([, one], [, other]) => other - one));
  }

  /** One line for a terminal. */
  get line(): string {
    return `${counted(this.runs, "run")}, ${this.#happened}`;
  }

  /** One paragraph for the end of a search. */
  get summary(): string {
    const faults = Object.entries(this.faults).map(([name, number]) => `${name} ${amount(number)}`);
    const listed = faults.length === 0 ? "" : ` (${faults.join(", ")})`;
    return `${counted(this.runs, "run")}: ${this.#happened}${listed}`;
  }

  get #happened(): string {
    const total = [...this.#faults.values()].reduce((sum, number) => sum + number, 0);
    return `${counted(this.deliveries, "delivery", "deliveries")}, ${counted(this.effects, "effect")}, ${counted(total, "fault")}`;
  }
}
