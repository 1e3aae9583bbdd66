import { pseudoRandom } from "../../internal/pseudo-random.ts";
import type { FaultName } from "../sim/faults.ts";
import { type Choice, type Chooser, type OperationKind, type Schedule, withoutTrailingZeros } from "../sim/schedule.ts";

/** Possible numbers of calm choices before one that is not. */
const CALM_CHOICES = [0, 0, 1, 1, 2, 2, 3, 4, 5, 7, 9, 12];
/** Lengths of calm phases after a preemption. They are longer, so another task often finishes its current action. */
const CALM_CHOICES_AFTER_PREEMPTION = [0, 1, 3, 5, 7, 9, 12, 15];
/** One of this many responses is read later, if other work exists. */
const PREEMPTION = 5;
/** Maximum number of choices that are not calm. Most runs end before. */
const MAX_DEPARTURES = 12;
/** Kinds of departures from a calm run, by how often they are picked. */
const KINDS = ["calm", "calm", "time", "fault", "fault"] as const;
/** Number of times that time passes while an effect could end: 0, a few timers, or several renewals and then the lease. */
const DELAYS = [0, 0, 0, 1, 2, 4, 8];
/** An effect is delayed at its end, or before it begins. */
const DELAYED = ["effect end", "effect end", "effect begin"] as const;
/** Sets of faults, by how often they are picked. A run with one kind of fault reaches combinations that a mixture hides. */
const FAULTS = ["all", "all", "one", "one", "none"] as const;

/**
 * Makes random choices: calm choices for a while, then another one, and so on. A run has a character, which is chosen first: its
 * kinds of faults, and how long its effects take. The kind of each departure is picked before the operation, so the many possible
 * store faults do not crowd out everything else.
 */
export class RandomChooser implements Chooser {
  readonly #next: () => number;
  readonly #faults: ReadonlySet<FaultName>;
  readonly #taken: number[] = [];
  #departuresLeft: number;
  #calmLeft = 0;
  #mustSwitch = false;
  #delaysLeft: number;
  /** The operation that is delayed. */
  readonly #delayed: OperationKind;

  /** @param faults are the faults that may happen. */
  constructor(seed: number, faults: readonly FaultName[]) {
    this.#next = pseudoRandom(seed);
    // The first numbers of neighbouring seeds are alike.
    for (let skipped = 0; skipped < 3; skipped += 1) this.#next();
    const set = this.#oneOf(FAULTS);
    if (faults.length === 0 || set === "none") this.#faults = new Set();
    else this.#faults = new Set(set === "all" ? faults : [this.#oneOf(faults)]);
    this.#departuresLeft = 1 + this.#below(MAX_DEPARTURES);
    this.#delaysLeft = this.#oneOf(DELAYS);
    this.#delayed = this.#oneOf(DELAYED);
    this.#calmLeft = this.#oneOf(CALM_CHOICES);
  }

  get mayFail(): boolean {
    return this.#departuresLeft > 0 && this.#faults.size > 0;
  }

  /** The schedule that picks the same. */
  get taken(): Schedule {
    return withoutTrailingZeros(this.#taken);
  }

  pick(choice: Choice): number {
    const taken = this.#choose(choice);
    this.#taken.push(taken);
    return taken;
  }

  #choose(choice: Choice): number {
    if (this.#departuresLeft === 0) return 0;
    const delay = this.#delay(choice);
    if (delay !== undefined) return delay;
    const isPreempted = choice.isResponse && this.#below(PREEMPTION) === 0;
    if ((isPreempted || this.#mustSwitch) && choice.calm > 1) {
      // Others may write between a request and the use of its response.
      this.#mustSwitch = false;
      this.#departuresLeft -= 1;
      this.#calmLeft = this.#oneOf(CALM_CHOICES_AFTER_PREEMPTION);
      return this.#oneOf(rangeOf(1, choice.calm));
    }
    if (this.#calmLeft > 0) {
      this.#calmLeft -= 1;
      return 0;
    }
    this.#departuresLeft -= 1;
    this.#calmLeft = this.#oneOf(CALM_CHOICES);
    const { calm, timed, operations } = choice;
    const possible = {
      calm: rangeOf(1, calm),
      time: rangeOf(calm, timed),
      fault: rangeOf(timed, operations.length).filter((index) => this.#allows(operations[index]?.fault)),
    };
    const wanted = this.#oneOf(KINDS);
    const kind = [wanted, ...KINDS].find((one) => possible[one].length > 0);
    return kind === undefined ? 0 : this.#oneOf(possible[kind]);
  }

  /** Lets time pass instead of continuing an effect. Requests and responses go on, so that leases are renewed. */
  #delay({ calm, timed, operations }: Choice): number | undefined {
    if (this.#delaysLeft === 0 || operations[0]?.kind !== this.#delayed) return undefined;
    const traffic = operations.slice(0, calm).findIndex(({ kind }) => kind === "request" || kind === "response");
    if (traffic !== -1) return traffic;
    if (timed === calm) return undefined;
    this.#delaysLeft -= 1;
    // Time has passed so that another task takes over.
    if (this.#delaysLeft === 0) this.#mustSwitch = true;
    return calm;
  }

  #allows(fault: FaultName | undefined): boolean {
    return fault !== undefined && this.#faults.has(fault);
  }

  #below(count: number): number {
    return this.#next() % count;
  }

  #oneOf<Item>(items: readonly Item[]): Item {
    const item = items[this.#below(items.length)];
    if (item === undefined) throw new RangeError("Expected at least one item");
    return item;
  }
}

function rangeOf(from: number, to: number): readonly number[] {
  return Array.from({ length: Math.max(0, to - from) }, (_, index) => from + index);
}
