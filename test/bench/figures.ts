import { table } from "./table.ts";

/** A measured value and its limit. */
export interface Figure {
  readonly what: string;
  /** `undefined` if it could not be measured. */
  readonly measured: number | undefined;
  readonly limit: { readonly atLeast: number } | { readonly atMost: number };
}

/** Formats figures as the table of goals in docs/performance.md. */
export function goalTable(figures: readonly Figure[]): string {
  return table(
    ["goal", "limit", "measured", "result"],
    figures.map((figure) => [
      figure.what,
      limitText(figure),
      figure.measured === undefined ? "–" : shown(figure.measured),
      resultOf(figure),
    ]),
  );
}

function resultOf({ measured, limit }: Figure): "reached" | "missed" | "not measured" {
  if (measured === undefined) return "not measured";
  const isReached = "atLeast" in limit ? measured >= limit.atLeast : measured <= limit.atMost;
  return isReached ? "reached" : "missed";
}

function limitText({ limit }: Figure): string {
  return "atLeast" in limit ? `at least ${shown(limit.atLeast)}` : `at most ${shown(limit.atMost)}`;
}

export function shown(figure: number): string {
  if (figure >= 100) return Math.round(figure).toLocaleString("en");
  return figure.toFixed(figure >= 10 ? 1 : 2);
}
