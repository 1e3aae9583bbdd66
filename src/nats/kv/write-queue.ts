import { systemClock } from "../../internal/clock.ts";
import type { CompareAndSet } from "../wire/compare-and-set.ts";
import { countMembers } from "./batch-members.ts";
import type { QueuePolicy, SendMode } from "./batching-policy.ts";
import { type BucketChannels, type SentWrite, WriteSender } from "./write-sender.ts";

/** Limits of a queue. */
export interface QueueLimits {
  /** Below this many unanswered writes, each is sent immediately. From here on, single writes of one turn are sent together. */
  readonly minCoalescedLoad: number;
  /** This many queued writes do not wait for the batch in flight: client and servers work at the same time. */
  readonly fullQueue: number;
  /** Maximum number of batches in flight. More batches would be smaller and cost the servers more. */
  readonly maxBatchesInFlight: number;
  /** Maximum time that the queue waits for an answer before it sends the next batch, in milliseconds. */
  readonly maxWaitMs: number;
}

/** Found with `npm run bench:batching` (docs/performance.md). */
export const QUEUE_LIMITS: QueueLimits = {
  minCoalescedLoad: 8,
  fullQueue: 128,
  maxBatchesInFlight: 2,
  maxWaitMs: 1_000,
};

/** A write and its owner. See "What waits is a class instance" in docs/performance.md. */
class QueuedWrite {
  readonly write: CompareAndSet;
  readonly onResult: (result: SentWrite) => void;
  readonly startedAtMs: number;
  readonly sample: number;

  constructor(write: CompareAndSet, onResult: (result: SentWrite) => void, startedAtMs: number, sample: number) {
    this.write = write;
    this.onResult = onResult;
    this.startedAtMs = startedAtMs;
    this.sample = sample;
  }
}

/**
 * Sends the writes of a bucket, in the mode that its policy chooses. In mode `single`, a few writes are sent immediately, and many at
 * the end of the turn. In mode `batch`, queued writes are sent when the batch in flight was answered, or when the queue is full.
 *
 *     calls    a   b c     d e f          calls by the owners of answered writes: g h i
 *     sent     a ───────▶ [b c] ────────▶ [d e f] ───────────────────────────────▶ …
 */
export class WriteQueue {
  readonly #policy: QueuePolicy;
  readonly #limits: QueueLimits;
  readonly #sender: WriteSender<QueuedWrite>;
  #queue: QueuedWrite[] = [];
  /** Number of unanswered writes, queued ones included. */
  #load = 0;
  /** Number of batches and lone writes that the queue waits for. */
  #inFlight = 0;
  #isFlushScheduled = false;

  constructor(policy: QueuePolicy, channels: BucketChannels, limits = QUEUE_LIMITS) {
    this.#policy = policy;
    this.#limits = limits;
    this.#sender = new WriteSender(channels, (pending, result) => this.#finish(pending, result));
  }

  /** Calls `onResult` once. It must not throw. */
  write(write: CompareAndSet, onResult: (result: SentWrite) => void): void {
    const sample = this.#policy.started(this.#load);
    const pending = new QueuedWrite(write, onResult, systemClock.monotonicMs(), sample);
    this.#load += 1;
    const isIdle = this.#inFlight === 0 && !this.#isFlushScheduled;
    if (this.#mode === "batch") {
      this.#queue.push(pending);
      this.#sendBatches(isIdle ? 1 : this.#limits.fullQueue);
    } else if (this.#load < this.#limits.minCoalescedLoad) this.#sender.sendSingle(pending);
    else {
      this.#queue.push(pending);
      this.#flushAfterTurn();
    }
  }

  get #mode(): SendMode {
    return this.#policy.modeFor(this.#load);
  }

  /** Waits for the end of the turn: the owners of answered writes may call again before it ends. */
  #flushAfterTurn(): void {
    if (this.#isFlushScheduled) return;
    this.#isFlushScheduled = true;
    setImmediate(() => {
      this.#isFlushScheduled = false;
      if (this.#mode === "batch") this.#sendBatches(1);
      else for (const pending of this.#queue.splice(0)) this.#sender.sendSingle(pending);
    });
  }

  /** Sends the next batch if the queue holds at least `minLength` writes and another batch may be in flight. */
  #sendBatches(minLength: number): void {
    const maySend = this.#queue.length >= minLength && this.#inFlight < this.#limits.maxBatchesInFlight;
    if (maySend && this.#mode === "batch") this.#send(this.#queue.splice(0, countMembers(this.#queue)));
  }

  /** Sends a lone member as a single write. Continues with the queue at the answer, or earlier if the answer is slow. */
  #send(members: readonly QueuedWrite[]): void {
    const [first, second] = members;
    if (first === undefined) return;
    this.#inFlight += 1;
    let isOver = false;
    const over = (): void => {
      if (isOver) return;
      isOver = true;
      cancel();
      this.#inFlight -= 1;
      if (this.#inFlight === 0) this.#flushAfterTurn();
      else this.#sendBatches(this.#limits.fullQueue);
    };
    const cancel = systemClock.schedule(this.#limits.maxWaitMs, over);
    if (second === undefined) this.#sender.sendSingle(first, over);
    else this.#sender.sendBatch(members, over);
  }

  #finish({ startedAtMs, sample, onResult }: QueuedWrite, result: SentWrite): void {
    this.#load -= 1;
    const nowMs = systemClock.monotonicMs();
    this.#policy.finished(sample, nowMs - startedAtMs, nowMs);
    onResult(result);
  }
}
