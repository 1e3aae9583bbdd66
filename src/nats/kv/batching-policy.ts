/** Strategy for sending writes: each as a message of its own, or several as an atomic batch. */
export type SendMode = "single" | "batch";

/** Decides how the writes of one queue are sent, and learns how long they take. */
export interface QueuePolicy {
  /** Returns the mode for a write that makes the number of unanswered writes in the queue `load`. */
  modeFor(load: number): SendMode;
  /** Notes a write that starts while `load` others are unanswered. Returns the number of its sample, for {@link finished}. */
  started(load: number): number;
  /** Notes how long a write took, from the call until its result, in milliseconds. */
  finished(sample: number, tookMs: number, nowMs: number): void;
}

/** Policies of a bucket's two queues. */
export interface BucketPolicy {
  /** Policy for writes to empty keys, where other replicas compete. */
  readonly creates: QueuePolicy;
  /** Policy for writes over the holder's own record, where conflicts are rare. */
  readonly updates: QueuePolicy;
}

const ALWAYS_SINGLE: QueuePolicy = { modeFor: () => "single", started: () => 0, finished: () => {} };

/** Policy of a bucket that does not accept batches. */
export const SINGLE_WRITES: BucketPolicy = { creates: ALWAYS_SINGLE, updates: ALWAYS_SINGLE };

/** Number of writes in a sample. */
const SAMPLE_WRITES = 2_000;
/** Minimum load for batches. With fewer writes in flight, a batch makes each write wait and saves almost nothing. */
const MIN_LOAD = 16;
/** A candidate wins if its sample takes at most this share of the time that the current strategy took. */
const WINNING_SHARE = 0.9;
/**
 * Pause after a candidate's sample, as a multiple of its duration and of its number of writes. It doubles with every candidate that
 * loses. Time alone would not do: after an idle period every burst would start with a candidate.
 */
const MIN_PAUSE_FACTOR = 4;
const MAX_PAUSE_FACTOR = 100;

/** Strategies, in the order in which they become candidates. Many conflicts break up the batches of creates, but not of updates. */
const STRATEGIES = ["all single", "all batched", "updates batched"] as const;
type Strategy = (typeof STRATEGIES)[number];

interface Sample {
  readonly number: number;
  /** For a candidate, the total time of its writes with which it loses, in milliseconds. */
  readonly limitMs: number | undefined;
  started: number;
  loads: number;
  finished: number;
  tookMs: number;
}

/**
 * Chooses the faster strategy by measuring. The measure is the time from a call to its result, summed over both queues: one queue's
 * gain can be the other's loss. Which strategy wins depends on disks, replicas, load and conflicts, and all of these change.
 *
 *     sample    2,000 writes, current strategy    …    2,000 writes, candidate         winner
 *     took      a + b + c + … = 8 s               …    stops early at 7.2 s: it lost   …
 */
export class BatchingPolicy implements BucketPolicy {
  readonly creates: QueuePolicy;
  readonly updates: QueuePolicy;
  #current: Strategy;
  #candidate: Strategy;
  #sample: Sample = sampleOf(0, undefined);
  #nextCandidateAtMs = 0;
  #samplesUntilCandidate = 0;
  #pauseFactor = MIN_PAUSE_FACTOR;

  /** @param replicas of the bucket. With several, batches almost always win; with one, single writes win on most disks. */
  constructor(replicas: number) {
    this.#current = replicas === 1 ? "all single" : "all batched";
    this.#candidate = this.#current;
    this.creates = this.#queuePolicy(["all batched"]);
    this.updates = this.#queuePolicy(["all batched", "updates batched"]);
  }

  get #strategy(): Strategy {
    return this.#sample.limitMs === undefined ? this.#current : this.#candidate;
  }

  #queuePolicy(batched: readonly Strategy[]): QueuePolicy {
    return {
      modeFor: (load) => (load >= MIN_LOAD && batched.includes(this.#strategy) ? "batch" : "single"),
      started: (load) => this.#started(load),
      finished: (sample, tookMs, nowMs) => this.#finished(sample, tookMs, nowMs),
    };
  }

  #started(load: number): number {
    this.#sample.started += 1;
    this.#sample.loads += load;
    return this.#sample.number;
  }

  #finished(number: number, tookMs: number, nowMs: number): void {
    const sample = this.#sample;
    if (number !== sample.number) return;
    sample.finished += 1;
    sample.tookMs += tookMs;
    const hasLost = sample.limitMs !== undefined && sample.tookMs > sample.limitMs;
    if (!hasLost && sample.finished < SAMPLE_WRITES) return;
    if (sample.limitMs === undefined) this.#endSample(nowMs);
    else this.#endCandidate(hasLost || !isBusy(sample) ? "lost" : "won", nowMs);
  }

  #endSample(nowMs: number): void {
    this.#samplesUntilCandidate -= 1;
    const isDue = this.#samplesUntilCandidate <= 0 && nowMs >= this.#nextCandidateAtMs;
    if (isDue && isBusy(this.#sample)) this.#startCandidate();
    else this.#sample = sampleOf(this.#sample.number + 1, undefined);
  }

  #startCandidate(): void {
    this.#candidate = this.#nextCandidate();
    this.#sample = sampleOf(this.#sample.number + 1, this.#sample.tookMs * WINNING_SHARE);
  }

  /** Returns the strategy after the last candidate, except the current one. */
  #nextCandidate(): Strategy {
    const after = STRATEGIES.indexOf(this.#candidate) + 1;
    const others = [...STRATEGIES.slice(after), ...STRATEGIES].filter((strategy) => strategy !== this.#current);
    return others[0] ?? this.#current;
  }

  #endCandidate(result: "won" | "lost", nowMs: number): void {
    if (result === "won") this.#current = this.#candidate;
    this.#pauseFactor = result === "won" ? MIN_PAUSE_FACTOR : Math.min(2 * this.#pauseFactor, MAX_PAUSE_FACTOR);
    this.#nextCandidateAtMs = nowMs + busyMs(this.#sample) * this.#pauseFactor;
    this.#samplesUntilCandidate = this.#pauseFactor;
    this.#sample = sampleOf(this.#sample.number + 1, undefined);
  }
}

function sampleOf(number: number, limitMs: number | undefined): Sample {
  return { number, limitMs, started: 0, loads: 0, finished: 0, tookMs: 0 };
}

/** Returns true if the load was high enough for strategies to differ. */
function isBusy({ started, loads }: Sample): boolean {
  return loads >= started * MIN_LOAD;
}

/** Returns the duration of a sample without idle time: its total time, divided by the number of writes in flight. */
function busyMs({ started, loads, tookMs }: Sample): number {
  return tookMs / (1 + loads / started);
}
