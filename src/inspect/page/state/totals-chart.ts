import { SERIES, type SeriesName } from "../../trace/series.ts";
import type { Session } from "./session.ts";

/** Maximum number of points in the chart. */
export const MAX_POINTS = 120;

/** One bucket of time in the chart. */
export interface ChartColumn {
  readonly fromMs: number;
  /** Counts in the order of {@link SERIES}. */
  readonly counts: readonly number[];
}

/** Minimum number of points in the chart. */
const MIN_POINTS = 30;

/** Returns the latest buckets, oldest first, including empty ones. The last bucket is still open. */
export function columnsOf(session: Session, nowMs: number, limit: number): readonly ChartColumn[] {
  const bucketMs = session.source?.bucketMs ?? 1_000;
  const last = Math.floor(nowMs / bucketMs);
  const sinceFirst = last - Math.floor((session.firstPointMs ?? nowMs) / bucketMs) + 1;
  const length = Math.min(limit, Math.max(MIN_POINTS, sinceFirst));
  return Array.from({ length }, (_, index): ChartColumn => {
    const fromMs = (last - length + 1 + index) * bucketMs;
    return { fromMs, counts: session.pointAt(fromMs) ?? SERIES.map(() => 0) };
  });
}

/** A bar of the chart. `from` and `to` are fractions of its height, from the bottom. */
export interface Bar {
  readonly column: number;
  readonly from: number;
  readonly to: number;
}

/** Stacked bars for each visible line, and the value of the full height. */
export interface Stack {
  readonly top: number;
  readonly bars: ReadonlyMap<SeriesName, readonly Bar[]>;
}

/** Minimum height of a bar, so that a single expired lease stays visible among many dispatches. */
const MIN_HEIGHT = 0.02;

export function stacked(columns: readonly ChartColumn[], shown: ReadonlySet<SeriesName>): Stack {
  const lines = SERIES.map((name, index) => ({ name, index })).filter(({ name }) => shown.has(name));
  const sums = columns.map(({ counts }) => lines.reduce((sum, { index }) => sum + (counts[index] ?? 0), 0));
  const top = roundTop(Math.max(...sums));
  const heights = columns.map(() => 0);
  const bars = new Map(
    lines.map(({ name, index }) => [
      name,
      columns.flatMap(({ counts }, column): readonly Bar[] => {
        const value = counts[index] ?? 0;
        if (value === 0) return [];
        const from = heights[column] ?? 0;
        const to = from + Math.max(MIN_HEIGHT, value / top);
        heights[column] = to;
        return [{ column, from, to: Math.min(1, to) }];
      }),
    ]),
  );
  return { top, bars };
}

/** Rounds up to 1, 2 or 5 times a power of ten. */
export function roundTop(value: number): number {
  if (value <= 5) return 5;
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 5, 10].map((factor) => factor * power).find((top) => top >= value) ?? value;
}
