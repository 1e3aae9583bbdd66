import type { StreamInfo } from "@nats-io/jetstream";
import type { StoreMisconfiguredError } from "../../errors.ts";
import type { Clock } from "../../internal/clock.ts";

/** Time after which a bucket in use is checked again, in milliseconds; shorter if it is nearly full. */
const CHECK_EVERY_MS = 5_000;
const CHECK_FULL_EVERY_MS = 1_000;
/** Share of `max_bytes` from which on a bucket is nearly full. */
const NEARLY_FULL = 0.8;
/** After this many intervals without a check, for example after an idle time, a claim waits for one. */
const STALE_INTERVALS = 3;
/** Time after which a refused bucket is checked again, in milliseconds. */
const RECHECK_MS = 500;

/** A store's own use of a bucket, which the bucket has to match. */
export interface BucketUse {
  /** Highest revision that a write of this store got. */
  readonly highestRevision: number;
  /** Longest time to live that a write of this store asked for, in milliseconds. */
  readonly longestTtlMs: number;
}

/** Result of a check. */
export interface BucketJudgement {
  /** Why no key may be claimed; `undefined` if keys may be claimed. */
  readonly refusal: StoreMisconfiguredError | undefined;
  /** Differences from the options that endanger no guarantee. */
  readonly notes: readonly string[];
}

/** Functions that read and judge a bucket, and report the judgement. */
export interface BucketChecks {
  readonly clock: Clock;
  readonly read: () => Promise<StreamInfo>;
  readonly judge: (info: StreamInfo, use: BucketUse) => BucketJudgement;
  /** Called when the judgement changes. */
  readonly onJudgement: (judgement: BucketJudgement) => void;
}

/**
 * Checks a bucket again while it is used, because operators change it. There is no timer: claims start the checks.
 *
 *     in use        one check per interval, beside the claims
 *     after idling  the first claim waits for a check
 *     after a write was refused, also because the bucket is full: the next claim waits for a check
 *     after a check that failed the bucket: claims are refused, with one check per half second
 *
 * Renewals, commits and releases are never held up: a dispatched event that is not committed runs again.
 */
export class LiveBucket {
  readonly #checks: BucketChecks;
  #intervalMs: number;
  #checkedAtMs: number;
  /** Number of refused writes, and how many of them a check has followed. */
  #refusedWrites = 0;
  #explainedWrites = 0;
  #judgement: BucketJudgement = { refusal: undefined, notes: [] };
  #checking: Promise<void> | undefined;
  #highestRevision = 0;
  #longestTtlMs = 0;

  /** @param opened the bucket as it was when it was opened and checked. */
  constructor(checks: BucketChecks, opened: StreamInfo) {
    this.#checks = checks;
    this.#checkedAtMs = checks.clock.monotonicMs();
    this.#intervalMs = intervalOf(opened);
  }

  /** Returns `undefined` if a key may be claimed now. @throws {StoreMisconfiguredError} from the promise, if none may be claimed. */
  admit(): Promise<void> | undefined {
    const ageMs = this.#checks.clock.monotonicMs() - this.#checkedAtMs;
    const { refusal } = this.#judgement;
    if (refusal !== undefined) {
      return ageMs < RECHECK_MS && !this.#isSuspect ? Promise.reject(refusal) : this.#checkedVerdict();
    }
    if (this.#isSuspect || ageMs > STALE_INTERVALS * this.#intervalMs) return this.#checkedVerdict();
    if (ageMs > this.#intervalMs) void this.#check();
    return undefined;
  }

  /** Notes an acknowledged write. */
  noteWrite(revision: number, ttlMs: number): void {
    if (revision > this.#highestRevision) this.#highestRevision = revision;
    if (ttlMs > this.#longestTtlMs) this.#longestTtlMs = ttlMs;
  }

  /** Notes that the bucket refused a write: an operator may have changed it. */
  noteRefusedWrite(): void {
    this.#refusedWrites += 1;
  }

  get #isSuspect(): boolean {
    return this.#refusedWrites > this.#explainedWrites;
  }

  async #checkedVerdict(): Promise<void> {
    await this.#check();
    const { refusal } = this.#judgement;
    if (refusal !== undefined) throw refusal;
  }

  /** Shared by all claims that wait. A bucket that cannot be read keeps its judgement: the claim's own write reports the outage. */
  #check(): Promise<void> {
    this.#checking ??= this.#checkOnce().finally(() => {
      this.#checking = undefined;
    });
    return this.#checking;
  }

  async #checkOnce(): Promise<void> {
    // Taken before the request: the answer need not know later writes, nor the reason of later refusals.
    const use = { highestRevision: this.#highestRevision, longestTtlMs: this.#longestTtlMs };
    const refusedWrites = this.#refusedWrites;
    let info: StreamInfo;
    try {
      info = await this.#checks.read();
    } catch {
      return;
    }
    this.#explainedWrites = refusedWrites;
    const judgement = this.#checks.judge(info, use);
    this.#checkedAtMs = this.#checks.clock.monotonicMs();
    this.#intervalMs = intervalOf(info);
    const isNew = textOf(judgement) !== textOf(this.#judgement);
    this.#judgement = judgement;
    if (isNew) this.#checks.onJudgement(judgement);
  }
}

function textOf({ refusal, notes }: BucketJudgement): string {
  return [refusal?.message ?? "", ...notes].join("\n");
}

function intervalOf({ config, state }: StreamInfo): number {
  const isNearlyFull = config.max_bytes > 0 && state.bytes > config.max_bytes * NEARLY_FULL;
  return isNearlyFull ? CHECK_FULL_EVERY_MS : CHECK_EVERY_MS;
}
