import { type Choice, type Chooser, type Schedule, withoutTrailingZeros } from "../sim/schedule.ts";

/** Possible numbers of calm choices before one that is not. */
const CALM_CHOICES = [0, 0, 1, 1, 2, 2, 3, 4, 5, 7, 9, 12];
type Kind = "calm" | "time" | "fault";
/** Kinds of operations, by how often they are picked. */
const KINDS: readonly Kind[] = ["calm", "calm", "time", "fault", "fault"];

/** Largest number that changes the choices of a {@link RandomChooser}. */
export const MAX_NUMBER = CALM_CHOICES.length * KINDS.length * 60 - 1;
/** Most runs end before they use more numbers. */
export const MAX_NUMBERS = 12;

/**
 * Makes random choices from a list of numbers: calm choices for a while, then another one, and so on. The kind is picked first, so
 * the many possible store faults do not crowd out everything else.
 */
export class RandomChooser implements Chooser {
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

  get mayFail(): boolean {
    return this.#faults === "allowed" && this.#next < this.#numbers.length;
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
    const wanted = KINDS[Math.floor(number / CALM_CHOICES.length) % KINDS.length];
    const kind = [wanted, ...KINDS].find((one) => one !== undefined && from[one] < to[one]);
    if (kind === undefined) return 0;
    return from[kind] + (Math.floor(number / CALM_CHOICES.length / KINDS.length) % (to[kind] - from[kind]));
  }

  #calmBefore(index: number): number {
    return CALM_CHOICES[(this.#numbers[index] ?? 0) % CALM_CHOICES.length] ?? 0;
  }
}
