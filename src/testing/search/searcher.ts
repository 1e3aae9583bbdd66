import { type Choice, type Chooser, type Schedule, withoutCalm } from "../sim/schedule.ts";

/** How many choices are calm between two that are not. */
const CALM = [0, 0, 1, 1, 2, 2, 3, 4, 5, 7, 9, 12];
type Kind = "calm" | "time" | "fault";
/** What is chosen then, where there is some of it. */
const KINDS: readonly Kind[] = ["calm", "calm", "time", "fault", "fault"];

/** Numbers up to this are of use to a {@link Searcher}. */
export const MOST = CALM.length * KINDS.length * 60 - 1;
/** A run has rarely room for more of them. */
export const LONGEST = 12;

/**
 * Chooses by chance, as any numbers say: calmly for a while, then something else, and so on. How much of each kind there is to
 * choose from does not matter, so that the many ways in which a store can fail do not keep everything else from happening.
 */
export class Searcher implements Chooser {
  readonly #numbers: readonly number[];
  readonly #taken: number[] = [];
  readonly #faults: "allowed" | "none";
  #next = 0;
  #calmLeft: number;

  constructor(numbers: readonly number[], faults: "allowed" | "none" = "allowed") {
    this.#numbers = numbers;
    this.#faults = faults;
    this.#calmLeft = this.#calmBefore(0);
  }

  get mayGoWrong(): boolean {
    return this.#faults === "allowed" && this.#next < this.#numbers.length;
  }

  /** The schedule that chooses the same. */
  get taken(): Schedule {
    return withoutCalm(this.#taken);
  }

  pick(choice: Choice): number {
    const taken = this.#choose(choice);
    this.#taken.push(taken);
    return taken;
  }

  #choose({ count, calm, timed }: Choice): number {
    const number = this.#numbers[this.#next];
    if (number === undefined) return 0;
    if (this.#calmLeft > 0) {
      this.#calmLeft -= 1;
      return 0;
    }
    this.#next += 1;
    this.#calmLeft = this.#calmBefore(this.#next);
    const from = { calm: 1, time: calm, fault: timed };
    const to = { calm, time: timed, fault: count };
    const wanted = KINDS[Math.floor(number / CALM.length) % KINDS.length];
    const kind = [wanted, ...KINDS].find((one) => one !== undefined && from[one] < to[one]);
    if (kind === undefined) return 0;
    return from[kind] + (Math.floor(number / CALM.length / KINDS.length) % (to[kind] - from[kind]));
  }

  #calmBefore(index: number): number {
    return CALM[(this.#numbers[index] ?? 0) % CALM.length] ?? 0;
  }
}
