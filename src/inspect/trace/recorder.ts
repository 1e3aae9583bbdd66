import { type Attempt, leaseLeftMs } from "./attempt.ts";
import { Attempts } from "./attempts.ts";
import { Attention } from "./attention.ts";
import { EventRing } from "./event-ring.ts";
import { Lifecycle } from "./lifecycle.ts";
import { Series } from "./series.ts";
import type { TraceEvent, TraceType } from "./trace-event.ts";

/** How much a {@link TraceRecorder} holds. */
export interface RecorderLimits {
  readonly steps: number;
  readonly flights: number;
  readonly notices: number;
  readonly points: number;
  /** How long a point of the chart is, in milliseconds. */
  readonly bucketMs: number;
}

export const DEFAULT_LIMITS: RecorderLimits = {
  steps: 20_000,
  flights: 250_000,
  notices: 100,
  points: 600,
  bucketMs: 1_000,
};

/**
 * Takes steps and keeps, in bounded memory, what can be asked of them: the latest steps, what is in flight, how often each
 * transition of the machine was taken, counts over time, and what deserves a look. The same for a process, a cluster and a file.
 */
export class TraceRecorder {
  readonly steps: EventRing;
  readonly flights: Attempts;
  readonly series: Series;
  readonly attention: Attention;
  readonly lifecycle = new Lifecycle();
  readonly #totals: Partial<Record<TraceType, number>> = {};

  constructor(limits: RecorderLimits = DEFAULT_LIMITS) {
    this.steps = new EventRing(limits.steps);
    this.flights = new Attempts(limits.flights, limits.steps);
    this.series = new Series(limits.bucketMs, limits.points);
    this.attention = new Attention(limits.notices);
  }

  /** How often each kind of step was taken; those that never were are left out. */
  get totals(): Readonly<Partial<Record<TraceType, number>>> {
    return { ...this.#totals };
  }

  record(step: TraceEvent): void {
    if (step.type === "reserved") this.#giveUpHolder(step);
    this.steps.push(step);
    const own = this.flights.of(step);
    this.lifecycle.take(step, own);
    this.flights.take(step, own);
    this.#totals[step.type] = (this.#totals[step.type] ?? 0) + 1;
    this.series.take(step.type, step.atMs);
    this.attention.take(step);
  }

  /** Notes the reservations whose lease, and `skewMs` more, has ended with nobody renewing it. */
  noteLapsed(nowMs: number, skewMs: number): void {
    for (const flight of this.flights.overdue(nowMs, skewMs)) this.record(lapseOf(flight, nowMs));
  }

  /**
   * A key has one holder. Where another still stands whose lease is over, it has gone without a word; where it is not, it gave the
   * key back, and says so later.
   */
  #giveUpHolder({ identity, atMs }: TraceEvent): void {
    const holder = this.flights.get(identity.storeKey);
    if (holder !== undefined && leaseLeftMs(holder, atMs) <= 0) this.record(lapseOf(holder, atMs));
  }
}

function lapseOf(flight: Attempt, atMs: number): TraceEvent {
  const { identity, owner, attempt, fence, revision, beganAtMs } = flight;
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
