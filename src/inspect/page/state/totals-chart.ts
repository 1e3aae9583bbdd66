import { SERIES, type SeriesName } from "../../trace/series.ts";
import { roundUp } from "./round-up.ts";
import type { Session } from "./session.ts";

/** Maximum number of points in the chart. */
export const MAX_POINTS = 120;

export type SeriesCounts = Readonly<Record<SeriesName, number>>;

/** One bucket of time in the chart. */
export interface ChartColumn {
  readonly fromMs: number;
  readonly counts: SeriesCounts;
}

/** Minimum number of points in the chart. */
const MIN_POINTS = 30;

/** Returns the latest buckets, oldest first, including empty ones. The last bucket is still open. */
export function chartColumns(session: Session, nowMs: number, limit: number): readonly ChartColumn[] {
  const bucketMs = session.source?.bucketMs ?? 1_000;
  const last = Math.floor(nowMs / bucketMs);
  const sinceFirst = last - Math.floor((session.firstPointMs ?? nowMs) / bucketMs) + 1;
  const length = Math.min(limit, Math.max(MIN_POINTS, sinceFirst));
  return Array.from({ length }, (_, index): ChartColumn => {
    const fromMs = (last - length + 1 + index) * bucketMs;
    return { fromMs, counts: countsByName(session.pointAt(fromMs) ?? []) };
  });
}

/** @param counts in the order of {@link SERIES}. */
function countsByName(counts: readonly number[]): SeriesCounts {
  const [dispatched = 0, duplicates = 0, pending = 0, failures = 0, expired = 0, superseded = 0] = counts;
  return { dispatched, duplicates, pending, failures, expired, superseded };
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
  const names = SERIES.filter((name) => shown.has(name));
  const sums = columns.map(({ counts }) => names.reduce((sum, name) => sum + counts[name], 0));
  const top = roundTop(Math.max(...sums));
  const bars = new Map(names.map((name): [SeriesName, Bar[]] => [name, []]));
  for (const [column, { counts }] of columns.entries()) {
    let from = 0;
    for (const [name, drawn] of bars) {
      if (counts[name] === 0) continue;
      const to = from + Math.max(MIN_HEIGHT, counts[name] / top);
      drawn.push({ column, from, to: Math.min(1, to) });
      from = to;
    }
  }
  return { top, bars };
}

/** Returns the value of the full height: a round number of at least 5. */
export function roundTop(value: number): number {
  return value <= 5 ? 5 : roundUp(value);
}
