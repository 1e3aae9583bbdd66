import type { TraceType } from "./trace-event.ts";

/** What is counted over time: each is a line of the chart. */
export const SERIES = ["dispatched", "duplicates", "pending", "failures", "expired", "superseded"] as const;

export type SeriesName = (typeof SERIES)[number];

/** What happened in one stretch of time, which begins at `fromMs`; the counts in the order of {@link SERIES}. */
export interface Point {
  readonly fromMs: number;
  readonly counts: readonly number[];
}

/** Counts steps over time, in stretches of equal length, of which the latest are kept. Stretches in which nothing happened are left out. */
export class Series {
  readonly bucketMs: number;
  readonly #most: number;
  readonly #points = new Map<number, number[]>();

  constructor(bucketMs: number, most: number) {
    this.bucketMs = bucketMs;
    this.#most = most;
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
      if (this.#points.size > this.#most && oldest !== undefined) this.#points.delete(oldest);
    }
    counts[line] = (counts[line] ?? 0) + 1;
  }

  /** The points that ended after `fromMs`, in the order of time. */
  since(fromMs: number): readonly Point[] {
    return [...this.#points]
      .map(([bucket, counts]): Point => ({ fromMs: bucket * this.bucketMs, counts: [...counts] }))
      .filter((point) => point.fromMs + this.bucketMs > fromMs)
      .sort((one, other) => one.fromMs - other.fromMs);
  }
}

/** A dispatch counts when its key is settled, and a failure when it is given back: every kind of recording sees that. */
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
