import { useSignal } from "@preact/signals";
import type { VNode } from "preact";
import { amount } from "../../../internal/counted.ts";
import { SERIES, type SeriesName } from "../../trace/series.ts";
import { nowMs, session } from "../browser/page-state.ts";
import type { Tone } from "../state/event-words.ts";
import { exactTime, span, time } from "../state/formats.ts";
import { type Bar, chartColumns, type SeriesCounts, stacked } from "../state/totals-chart.ts";

const seriesTones: Readonly<Record<SeriesName, Tone>> = {
  dispatched: "dispatched",
  duplicates: "duplicate",
  pending: "pending",
  failures: "failure",
  expired: "expired",
  superseded: "superseded",
};

const WIDTH = 600;

/** Counts over time, stacked. */
export function TotalsChart({ limit, height }: { limit: number; height: number }): VNode {
  const shown = useSignal<ReadonlySet<SeriesName>>(new Set(SERIES));
  const pointed = useSignal<number | undefined>(undefined);
  const now = session();
  const columns = chartColumns(now, nowMs.value, limit);
  const { top, bars } = stacked(columns, shown.value);
  const columnWidth = WIDTH / columns.length;
  const column = pointed.value === undefined ? undefined : columns[pointed.value];
  const bucketMs = now.source?.bucketMs ?? 1_000;
  const bucket = bucketMs === 1_000 ? "second" : span(bucketMs);
  const toggle = (name: SeriesName): void => {
    const next = new Set(shown.value);
    if (!next.delete(name)) next.add(name);
    shown.value = next;
  };
  const path = (list: readonly Bar[]): string =>
    list
      .map((bar) => {
        const y = height * (1 - bar.to);
        return `M${(bar.column * columnWidth + 0.5).toFixed(1)} ${y.toFixed(1)}h${(columnWidth - 1).toFixed(1)}v${(height * (bar.to - bar.from)).toFixed(1)}h${(1 - columnWidth).toFixed(1)}z`;
      })
      .join("");
  return (
    <div class="chart">
      <svg
        viewBox={`0 0 ${WIDTH} ${height}`}
        preserveAspectRatio="none"
        height={height}
        role="img"
        aria-label={`Counts per ${bucket}; the totals are listed below`}
        onPointerMove={({ currentTarget, clientX }) => {
          const { left, width } = currentTarget.getBoundingClientRect();
          pointed.value = Math.floor(((clientX - left) / width) * columns.length);
        }}
        onPointerLeave={() => (pointed.value = undefined)}
      >
        {[0, 0.5, 1].map((part) => (
          <line key={part} class="rule" x1={0} x2={WIDTH} y1={height * part} y2={height * part} />
        ))}
        {pointed.value !== undefined && (
          <rect class="pointed" x={pointed.value * columnWidth} y={0} width={columnWidth} height={height} />
        )}
        {SERIES.map((name) => (
          <path key={name} class={`bar ${seriesTones[name]}`} d={path(bars.get(name) ?? [])} />
        ))}
      </svg>
      <p class="axis soft">
        <span>{time(columns[0]?.fromMs ?? 0)}</span>
        <span>
          {column === undefined
            ? `per ${bucket}, up to ${amount(top)}`
            : `${(now.source?.bucketMs ?? 0) < 1_000 ? exactTime(column.fromMs) : time(column.fromMs)}: ${sentenceOf(column.counts)}`}
        </span>
        <span>now</span>
      </p>
      <ul class="legend">
        {SERIES.map((name) => (
          <li key={name}>
            <button type="button" aria-pressed={shown.value.has(name)} onClick={() => toggle(name)}>
              <span class={`swatch ${seriesTones[name]}`} />
              <span class="legend-name">{name}</span>
              <b>{amount(totalOf(name))}</b>
            </button>
          </li>
        ))}
      </ul>
    </div>
  );
}

function sentenceOf(counts: SeriesCounts): string {
  const parts = SERIES.filter((name) => counts[name] > 0).map((name) => `${amount(counts[name])} ${name}`);
  return parts.length === 0 ? "nothing" : parts.join(", ");
}

function totalOf(name: SeriesName): number {
  const {
    committed = 0,
    unconfirmed = 0,
    duplicate = 0,
    pending = 0,
    released = 0,
    expired = 0,
    lapsed = 0,
    superseded = 0,
  } = session().totals;
  switch (name) {
    case "dispatched":
      return committed + unconfirmed;
    case "duplicates":
      return duplicate;
    case "pending":
      return pending;
    case "failures":
      return released;
    case "expired":
      return expired + lapsed;
    case "superseded":
      return superseded;
  }
}
