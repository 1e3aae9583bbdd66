/** How writes are sent: one by one, or in batches. */
export type Way = "singly" | "in batches";

/** Decides how writes are sent. */
export interface WayChoice {
  readonly way: Way;
  /** Tells of a write that is asked for while `load` others wait for their answers; returns what `ended` wants back. */
  began(load: number): number;
  /** Tells how long that write took, from when it was asked for until its answer. */
  ended(began: number, tookMs: number, nowMs: number): void;
}

/** For a bucket without batches. */
export const ONE_BY_ONE: WayChoice = { way: "singly", began: () => 0, ended: () => {} };

/** How many writes are compared with how many. */
const SPAN_WRITES = 1_000;
/** Few writes at a time leave nothing to choose. */
const LEAST_LOAD = 16;
/** What a trial must make of the time that the same writes took before. */
const GAIN = 0.9;
/**
 * For how many times as long as a trial took, and for how many spans, there is no other: twice as many after each that was lost, up
 * to the most. Not for the time alone: where there are few writes for a while, every burst would begin with a trial.
 */
const FEWEST_TIMES = 4;
const MOST_TIMES = 100;

interface Span {
  readonly number: number;
  readonly sinceMs: number;
  /** In a trial, how long the writes took altogether the other way, in the span before. */
  readonly toBeatMs: number | undefined;
  begun: number;
  loads: number;
  answered: number;
  tookMs: number;
}

/**
 * Finds out which way pays, by trying. What counts is how long a write takes from being asked for to its answer: where as many
 * are always on their way, half the time is twice the rate. Whether batches pay depends on the disks, the replicas, how many
 * writes there are at a time and how many of them conflict, and all of that changes.
 *
 *     span      1,000 writes one way          the same      trial: the other way         what won
 *     took      a + b + c + … = 8 s           …             ends at 1,000 writes, or     …
 *                                                           at 7.2 s: then it has lost
 */
export class BatchTrial implements WayChoice {
  #way: Way = "singly";
  #span: Span = spanOf(0, 0, undefined);
  #nextTrialAtMs = 0;
  #spansUntilTrial = 0;
  #times = FEWEST_TIMES;

  get way(): Way {
    return this.#way;
  }

  began(load: number): number {
    this.#span.begun += 1;
    this.#span.loads += load;
    return this.#span.number;
  }

  ended(began: number, tookMs: number, nowMs: number): void {
    const span = this.#span;
    if (began !== span.number) return;
    span.answered += 1;
    span.tookMs += tookMs;
    if (span.toBeatMs !== undefined && span.tookMs > span.toBeatMs) {
      this.#turn();
      this.#times = Math.min(2 * this.#times, MOST_TIMES);
      this.#endTrial(nowMs);
    } else if (span.answered >= SPAN_WRITES) {
      if (span.toBeatMs !== undefined) {
        this.#times = FEWEST_TIMES;
        this.#endTrial(nowMs);
      } else this.#endSpan(nowMs);
    }
  }

  #endSpan(nowMs: number): void {
    const { number, begun, loads } = this.#span;
    this.#spansUntilTrial -= 1;
    const isTime = this.#spansUntilTrial <= 0 && nowMs >= this.#nextTrialAtMs;
    if (isTime && loads >= begun * LEAST_LOAD) this.#beginTrial(nowMs);
    else this.#span = spanOf(number + 1, nowMs, undefined);
  }

  #beginTrial(nowMs: number): void {
    this.#turn();
    this.#span = spanOf(this.#span.number + 1, nowMs, this.#span.tookMs * GAIN);
  }

  #endTrial(nowMs: number): void {
    this.#nextTrialAtMs = nowMs + (nowMs - this.#span.sinceMs) * this.#times;
    this.#spansUntilTrial = this.#times;
    this.#span = spanOf(this.#span.number + 1, nowMs, undefined);
  }

  #turn(): void {
    this.#way = this.#way === "singly" ? "in batches" : "singly";
  }
}

function spanOf(number: number, sinceMs: number, toBeatMs: number | undefined): Span {
  return { number, sinceMs, toBeatMs, begun: 0, loads: 0, answered: 0, tookMs: 0 };
}
