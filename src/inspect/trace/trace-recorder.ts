import type { LeaseClock } from "../conclusions/suspicion.ts";
import { remainingLeaseMs, type TracedAttempt } from "./attempt.ts";
import { TracedAttempts } from "./attempts.ts";
import { EventRing } from "./event-ring.ts";
import { Lifecycle } from "./lifecycle.ts";
import { NoticeLog } from "./notice-log.ts";
import { Series } from "./series.ts";
import type { TraceEvent, TraceType } from "./trace-event.ts";

/** Memory limits of a {@link TraceRecorder}. */
export interface TraceLimits {
  /** Maximum number of trace events. */
  readonly trace: number;
  /** Maximum number of attempts in flight. */
  readonly attempts: number;
  /** Maximum number of notices. */
  readonly notices: number;
  /** Maximum number of points of the chart. */
  readonly points: number;
  /** Length of a point of the chart, in milliseconds. */
  readonly bucketMs: number;
}

export const DEFAULT_LIMITS: TraceLimits = {
  trace: 20_000,
  attempts: 250_000,
  notices: 100,
  points: 600,
  bucketMs: 1_000,
};

/**
 * Records trace events and derives everything that the page shows, in bounded memory. The page shows the latest events, the attempts
 * in flight, transition counts, counts over time, and notices. A process, a cluster and a file are recorded alike.
 */
export class TraceRecorder {
  readonly trace: EventRing;
  readonly attempts: TracedAttempts;
  readonly series: Series;
  readonly notices: NoticeLog;
  readonly lifecycle = new Lifecycle();
  readonly #totals: Partial<Record<TraceType, number>> = {};

  constructor(limits: TraceLimits = DEFAULT_LIMITS) {
    this.trace = new EventRing(limits.trace);
    this.attempts = new TracedAttempts(limits.attempts, limits.trace);
    this.series = new Series(limits.bucketMs, limits.points);
    this.notices = new NoticeLog(limits.notices);
  }

  /** Number of events of each type that occurred. */
  get totals(): Readonly<Partial<Record<TraceType, number>>> {
    return { ...this.#totals };
  }

  record(event: TraceEvent): void {
    if (event.type === "reserved") this.#recordLapsedHolder(event);
    this.trace.push(event);
    const own = this.attempts.of(event);
    this.lifecycle.take(event, own);
    this.attempts.take(event, own);
    this.#totals[event.type] = (this.#totals[event.type] ?? 0) + 1;
    this.series.take(event.type, event.atMs);
    this.notices.take(event);
  }

  /**
   * Draws conclusions from the passage of time. Records a lapse for each lease that ended more than `skewMs` ago without a renewal.
   * Reports the holders that need attention.
   */
  assess(now: LeaseClock): void {
    const { nowMs, skewMs } = now;
    for (const attempt of this.attempts.lapsed(nowMs, skewMs)) this.record(lapseOf(attempt, nowMs));
    for (const attempt of this.attempts.assess(now)) this.notices.suspect(attempt, now);
  }

  /** A new reservation replaces the key's holder. The holder lapsed if its lease is over; otherwise its release is still to come. */
  #recordLapsedHolder({ identity, atMs }: TraceEvent): void {
    const holder = this.attempts.get(identity.storeKey);
    if (holder !== undefined && remainingLeaseMs(holder, atMs) <= 0) this.record(lapseOf(holder, atMs));
  }
}

function lapseOf({ identity, owner, attempt, fence, revision, beganAtMs }: TracedAttempt, atMs: number): TraceEvent {
  return {
    type: "lapsed",
    identity,
    atMs,
    replica: owner,
    owner,
    attempt,
    fence,
    revision,
    durationMs: atMs - beganAtMs,
    forMs: 0,
    cause: "",
  };
}
