/** How writes are sent: one by one, or in batches. */
export type Way = "singly" | "in batches";

/** How the writes of one lane are sent. */
export interface WayChoice {
  /** How one is sent when `load` of the lane, with itself, wait for their answers. */
  wayFor(load: number): Way;
  /** Tells of a write that is asked for while `load` others of the lane wait, itself not counted; returns what `ended` wants back. */
  began(load: number): number;
  /** Tells how long that write took, from when it was asked for until its answer. */
  ended(began: number, tookMs: number, nowMs: number): void;
}

/** The lanes of a bucket: writes over nothing, where others may be faster, and writes over one's own, where hardly anybody is. */
export interface Lanes {
  readonly overNothing: WayChoice;
  readonly overOwn: WayChoice;
}

const LANE_ONE_BY_ONE: WayChoice = { wayFor: () => "singly", began: () => 0, ended: () => {} };

/** For a bucket without batches. */
export const ONE_BY_ONE: Lanes = { overNothing: LANE_ONE_BY_ONE, overOwn: LANE_ONE_BY_ONE };

/** How many writes are compared with how many. */
const SPAN_WRITES = 2_000;
/** Few writes at a time leave nothing to choose: in batches each would wait for one before it, and save next to nothing. */
const LEAST_LOAD = 16;
/** What a trial must make of the time that the same writes took before. */
const GAIN = 0.9;
/**
 * For how many times as long as a trial took, and for how many spans, there is no other: twice as many after each that was lost, up
 * to the most. Not for the time alone: where there are few writes for a while, every burst would begin with a trial.
 */
const FEWEST_TIMES = 4;
const MOST_TIMES = 100;

/** What is tried in turns. Conflicts break up batches over nothing; where there are many, those over one's own may pay all the same. */
const PLANS = ["all singly", "all in batches", "those over one's own in batches"] as const;
type Plan = (typeof PLANS)[number];

interface Span {
  readonly number: number;
  /** In a trial, how long the writes took altogether by the plan that stands, in the span before. */
  readonly toBeatMs: number | undefined;
  begun: number;
  loads: number;
  answered: number;
  tookMs: number;
}

/**
 * Finds out what pays, by trying. What counts is how long a write of whichever lane takes from being asked for to its answer: where
 * as many are always on their way, half the time is twice the rate. A lane by itself shows nothing: what it gains, the other may
 * lose. Whether batches pay depends on the disks, the replicas, how many writes there are at a time and how many of them conflict,
 * and all of that changes.
 *
 *     span      2,000 writes by one plan      the same      trial: another plan          what won
 *     took      a + b + c + … = 8 s           …             ends at 2,000 writes, or     …
 *                                                           at 7.2 s: then it has lost
 */
export class BatchingPolicy implements Lanes {
  readonly overNothing: WayChoice;
  readonly overOwn: WayChoice;
  /** The plan that writes go by while no other is tried. */
  #standing: Plan;
  #lastTried: Plan;
  #span: Span = spanOf(0, undefined);
  #nextTrialAtMs = 0;
  #spansUntilTrial = 0;
  #times = FEWEST_TIMES;

  /** @param replicas of the bucket: with several, batches hardly ever fail to pay; with one, they do on most disks. */
  constructor(replicas: number) {
    this.#standing = replicas === 1 ? "all singly" : "all in batches";
    this.#lastTried = this.#standing;
    this.overNothing = this.#laneOf(["all in batches"]);
    this.overOwn = this.#laneOf(["all in batches", "those over one's own in batches"]);
  }

  get #plan(): Plan {
    return this.#span.toBeatMs === undefined ? this.#standing : this.#lastTried;
  }

  #laneOf(inBatches: readonly Plan[]): WayChoice {
    return {
      wayFor: (load) => (load >= LEAST_LOAD && inBatches.includes(this.#plan) ? "in batches" : "singly"),
      began: (load) => this.#began(load),
      ended: (began, tookMs, nowMs) => this.#ended(began, tookMs, nowMs),
    };
  }

  #began(load: number): number {
    this.#span.begun += 1;
    this.#span.loads += load;
    return this.#span.number;
  }

  #ended(began: number, tookMs: number, nowMs: number): void {
    const span = this.#span;
    if (began !== span.number) return;
    span.answered += 1;
    span.tookMs += tookMs;
    const hasLost = span.toBeatMs !== undefined && span.tookMs > span.toBeatMs;
    if (!hasLost && span.answered < SPAN_WRITES) return;
    if (span.toBeatMs === undefined) this.#endSpan(nowMs);
    else this.#endTrial(hasLost || !isBusy(span) ? "lost" : "won", nowMs);
  }

  #endSpan(nowMs: number): void {
    this.#spansUntilTrial -= 1;
    const isTime = this.#spansUntilTrial <= 0 && nowMs >= this.#nextTrialAtMs;
    if (isTime && isBusy(this.#span)) this.#beginTrial();
    else this.#span = spanOf(this.#span.number + 1, undefined);
  }

  #beginTrial(): void {
    this.#lastTried = this.#nextToTry();
    this.#span = spanOf(this.#span.number + 1, this.#span.tookMs * GAIN);
  }

  /** The one after that which was tried last, but for the one that stands. */
  #nextToTry(): Plan {
    const after = PLANS.indexOf(this.#lastTried) + 1;
    const [next = this.#standing] = [...PLANS.slice(after), ...PLANS].filter((plan) => plan !== this.#standing);
    return next;
  }

  #endTrial(how: "won" | "lost", nowMs: number): void {
    if (how === "won") this.#standing = this.#lastTried;
    this.#times = how === "won" ? FEWEST_TIMES : Math.min(2 * this.#times, MOST_TIMES);
    this.#nextTrialAtMs = nowMs + busyMs(this.#span) * this.#times;
    this.#spansUntilTrial = this.#times;
    this.#span = spanOf(this.#span.number + 1, undefined);
  }
}

function spanOf(number: number, toBeatMs: number | undefined): Span {
  return { number, toBeatMs, begun: 0, loads: 0, answered: 0, tookMs: 0 };
}

/** Whether there were as many writes at a time as plans differ for. */
function isBusy({ begun, loads }: Span): boolean {
  return loads >= begun * LEAST_LOAD;
}

/** How long a span took without the time in which nothing was written: as many writes as were under way at a time took as long. */
function busyMs({ begun, loads, tookMs }: Span): number {
  return tookMs / (1 + loads / begun);
}
