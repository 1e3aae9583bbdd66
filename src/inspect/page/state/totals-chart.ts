import { SERIES, type SeriesName } from "../../trace/series.ts";
import type { Session } from "./session.ts";

/** How many points are shown side by side. */
export const MANY_POINTS = 120;

/** A stretch of time on the chart. */
export interface ChartColumn {
  readonly fromMs: number;
  /** In the order of {@link SERIES}. */
  readonly counts: readonly number[];
}

/** While there are fewer, so many are shown. */
const FEW_POINTS = 30;

/** The latest stretches, at most `most`, those without anything included, oldest first; the last one is not over yet. */
export function columnsOf(session: Session, nowMs: number, most: number): readonly ChartColumn[] {
  const bucketMs = session.source?.bucketMs ?? 1_000;
  const last = Math.floor(nowMs / bucketMs);
  const sinceFirst = last - Math.floor((session.firstPointMs ?? nowMs) / bucketMs) + 1;
  const many = Math.min(most, Math.max(FEW_POINTS, sinceFirst));
  return Array.from({ length: many }, (_, index): ChartColumn => {
    const fromMs = (last - many + 1 + index) * bucketMs;
    return { fromMs, counts: session.pointAt(fromMs) ?? SERIES.map(() => 0) };
  });
}

/** A bar of the chart; `from` and `to` in parts of its height, from below. */
export interface Bar {
  readonly column: number;
  readonly from: number;
  readonly to: number;
}

/** What is drawn: for each line that is shown its bars, stacked, and what the whole height stands for. */
export interface Stack {
  readonly top: number;
  readonly bars: ReadonlyMap<SeriesName, readonly Bar[]>;
}

/** However many others there are, one that is expired is seen. */
const LEAST_PART = 0.02;

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
        const to = from + Math.max(LEAST_PART, value / top);
        heights[column] = to;
        return [{ column, from, to: Math.min(1, to) }];
      }),
    ]),
  );
  return { top, bars };
}

/** The next number that reads well. */
export function roundTop(value: number): number {
  if (value <= 5) return 5;
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 5, 10].map((factor) => factor * power).find((top) => top >= value) ?? value;
}
