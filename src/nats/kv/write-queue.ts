import { systemClock } from "../../internal/clock.ts";
import type { Revision } from "../../model/store.ts";
import { type BatchOutcome, MAX_BATCH } from "../wire/batch.ts";
import type { BucketWriter, WriteAnswer } from "../wire/bucket-writer.ts";
import type { CompareAndSet } from "../wire/compare-and-set.ts";
import { writeFailed } from "../wire/error-codes.ts";
import type { Way, WayChoice } from "./batching-policy.ts";

/** Fewer that wait for their answers leave each at once; those asked for beside so many leave together at the end of the turn. */
const TOGETHER_FROM = 8;
/** So many do not wait for a batch that is under way: client and servers work at the same time. */
const PLENTY = 128;
/** How many batches are under way at most before the queue waits: more of them are smaller, and cost the servers more. */
const MOST_UNDER_WAY = 2;
/** For how long the queue waits at most for the answer to what left before. */
const LONGEST_WAIT_MS = 1_000;
/** A batch is held in the server's memory until it is complete. */
const MAX_BATCH_LENGTH = 1_048_576;
/** A larger payload goes by itself. */
const MAX_MEMBER_LENGTH = 65_536;

/** What a lane sends with. */
export interface WriteQueueOptions {
  readonly bucket: string;
  readonly writer: Pick<BucketWriter, "publish" | "settle" | "write">;
  readonly choice: WayChoice;
  readonly sendBatch: (writes: readonly CompareAndSet[], onOutcome: (outcome: BatchOutcome) => void) => void;
}

/** What became of a write: its revision, nothing for a conflict, or why it is not known to stand. */
export type Written = Revision | undefined | Error;

interface Waiting {
  readonly write: CompareAndSet;
  readonly onWritten: (written: Written) => void;
  readonly askedAtMs: number;
  readonly began: number;
}

/**
 * Sends writes of one kind. Where there are few, each leaves at once. Others leave together: in one go at the end of the turn, or,
 * where batches pay, as one batch when what is under way has been answered, or when there are plenty of them.
 *
 *     asked for   a   b c     d e f          asked for by those that were answered: g h i
 *     sent        a ───────▶ [b c] ────────▶ [d e f] ───────────────────────────────▶ …
 */
export class WriteQueue {
  readonly #terms: WriteQueueOptions;
  #queue: Waiting[] = [];
  /** Waiting for their answers, queued ones among them. */
  #load = 0;
  /** What has left and is waited for before the queue leaves. */
  #underWay = 0;
  /** The queue leaves at the end of the turn. */
  #isOpening = false;

  constructor(terms: WriteQueueOptions) {
    this.#terms = terms;
  }

  /** Calls `onWritten` once; it must not throw. */
  write(write: CompareAndSet, onWritten: (written: Written) => void): void {
    const began = this.#terms.choice.began(this.#load);
    const waiting = { write, onWritten, askedAtMs: systemClock.monotonicMs(), began };
    this.#load += 1;
    const isIdle = this.#underWay === 0 && !this.#isOpening;
    if (this.#way === "in batches") {
      this.#queue.push(waiting);
      this.#leaveInBatches(isIdle ? 1 : PLENTY);
    } else if (this.#load < TOGETHER_FROM) this.#sendSingly(waiting);
    else {
      this.#queue.push(waiting);
      this.#openAfterTurn();
    }
  }

  get #way(): Way {
    return this.#terms.choice.wayFor(this.#load);
  }

  /** Those who are answered in this turn may ask for more before it ends. */
  #openAfterTurn(): void {
    if (this.#isOpening) return;
    this.#isOpening = true;
    setImmediate(() => {
      this.#isOpening = false;
      if (this.#way === "in batches") this.#leaveInBatches(1);
      else for (const waiting of this.#queue.splice(0)) this.#sendSingly(waiting);
    });
  }

  /** Where batches pay, the next one leaves if there are `least` for it, and no two are under way. */
  #leaveInBatches(least: number): void {
    const mayLeave = this.#queue.length >= least && this.#underWay < MOST_UNDER_WAY;
    if (mayLeave && this.#way === "in batches") this.#leave(this.#takeMembers());
  }

  /** Sends one by itself, several as a batch. The queue leaves when they are answered, and does not wait for a slow answer. */
  #leave(members: readonly Waiting[]): void {
    const [first, second] = members;
    if (first === undefined) return;
    this.#underWay += 1;
    let isOver = false;
    const over = (): void => {
      if (isOver) return;
      isOver = true;
      cancel();
      this.#underWay -= 1;
      if (this.#underWay === 0) this.#openAfterTurn();
      else this.#leaveInBatches(PLENTY);
    };
    const cancel = systemClock.schedule(LONGEST_WAIT_MS, over);
    if (second === undefined) {
      this.#sendSingly(first, over);
      return;
    }
    const writes = members.map(({ write }) => write);
    this.#terms.sendBatch(writes, (outcome) => {
      over();
      this.#tell(members, outcome);
    });
  }

  /** The next of the queue that fit into one batch: no key twice, and nothing large. What is large goes by itself. */
  #takeMembers(): readonly Waiting[] {
    const keys = new Set<string>();
    let length = 0;
    let count = 0;
    for (const { write } of this.#queue.slice(0, MAX_BATCH)) {
      length += write.payload.length;
      const fits = write.payload.length <= MAX_MEMBER_LENGTH && length <= MAX_BATCH_LENGTH && !keys.has(write.key);
      if (count > 0 && !fits) break;
      count += 1;
      if (!fits) break;
      keys.add(write.key);
    }
    return this.#queue.splice(0, count);
  }

  #sendSingly(waiting: Waiting, onAnswer?: () => void): void {
    const { writer } = this.#terms;
    writer.publish(waiting.write, (answer) => {
      onAnswer?.();
      this.#settle(waiting, answer);
    });
  }

  #settle(waiting: Waiting, answer: WriteAnswer): void {
    if (typeof answer === "number") this.#end(waiting, answer);
    else this.#endWhen(waiting, this.#terms.writer.settle(waiting.write, answer));
  }

  #tell(members: readonly Waiting[], outcome: BatchOutcome): void {
    for (const [index, member] of members.entries()) {
      switch (outcome.type) {
        case "stored":
          this.#end(member, outcome.revisions[index]);
          break;
        case "unknown":
          this.#end(member, outcome.error);
          break;
        case "refused":
          this.#endWhen(member, this.#sendAgain(member.write, outcome.certain));
          break;
      }
    }
  }

  /** Sends what was refused in a batch by itself. If it may be stored all the same, it may be itself that it conflicts with. */
  async #sendAgain(write: CompareAndSet, certain: boolean): Promise<Revision | undefined> {
    const { writer, bucket } = this.#terms;
    const revision = await writer.write(write);
    if (revision !== undefined || certain) return revision;
    throw writeFailed(bucket, new Error("The batch failed on its way, and something stands under the key"));
  }

  #endWhen(waiting: Waiting, written: Promise<Revision | undefined>): void {
    written.then(
      (revision) => this.#end(waiting, revision),
      (error: unknown) => this.#end(waiting, error instanceof Error ? error : writeFailed(this.#terms.bucket, error)),
    );
  }

  #end({ askedAtMs, began, onWritten }: Waiting, written: Written): void {
    this.#load -= 1;
    const nowMs = systemClock.monotonicMs();
    this.#terms.choice.ended(began, nowMs - askedAtMs, nowMs);
    onWritten(written);
  }
}
