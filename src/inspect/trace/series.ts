import type { TraceType } from "./trace-event.ts";

/** The lines of the chart over time. */
export const SERIES = ["dispatched", "duplicates", "pending", "failures", "expired", "superseded"] as const;

export type SeriesName = (typeof SERIES)[number];

/** Counts for one bucket of time, which begins at `fromMs`; the counts are in the order of {@link SERIES}. */
export interface SeriesPoint {
  readonly fromMs: number;
  readonly counts: readonly number[];
}

/** Counts events in buckets of equal length and keeps the latest buckets. Empty buckets are omitted. */
export class Series {
  readonly bucketMs: number;
  readonly #limit: number;
  readonly #points = new Map<number, number[]>();

  constructor(bucketMs: number, limit: number) {
    this.bucketMs = bucketMs;
    this.#limit = limit;
  }

  take(type: TraceType, atMs: number): void {
    const line = lineOf[type];
    if (line === undefined) return;
    const bucket = Math.floor(atMs / this.bucketMs);
    let counts = this.#points.get(bucket);
    if (counts === undefined) {
      counts = SERIES.map(() => 0);
      this.#points.set(bucket, counts);
      const [oldest] = this.#points.keys();
      if (this.#points.size > this.#limit && oldest !== undefined) this.#points.delete(oldest);
    }
    counts[line] = (counts[line] ?? 0) + 1;
  }

  /** Returns the points that end after `fromMs`, in the order of time. */
  since(fromMs: number): readonly SeriesPoint[] {
    return [...this.#points]
      .map(([bucket, counts]): SeriesPoint => ({ fromMs: bucket * this.bucketMs, counts: [...counts] }))
      .filter((point) => point.fromMs + this.bucketMs > fromMs)
      .sort((one, other) => one.fromMs - other.fromMs);
  }
}

/** A dispatch counts at its commit, and a failure at its release: every kind of recording contains these events. */
const lineOf: Readonly<Partial<Record<TraceType, number>>> = Object.fromEntries(
  (
    [
      ["committed", "dispatched"],
      ["unconfirmed", "dispatched"],
      ["duplicate", "duplicates"],
      ["pending", "pending"],
      ["released", "failures"],
      ["expired", "expired"],
      ["lapsed", "expired"],
      ["superseded", "superseded"],
    ] satisfies readonly (readonly [TraceType, SeriesName])[]
  ).map(([type, name]) => [type, SERIES.indexOf(name)]),
);
