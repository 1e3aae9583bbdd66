/** A measured value and its limit. */
export interface Figure {
  readonly what: string;
  /** `undefined` if it could not be measured. */
  readonly measured: number | undefined;
  readonly limit: { readonly atLeast: number } | { readonly atMost: number };
}

export function isReached({ measured, limit }: Figure): boolean {
  if (measured === undefined) return false;
  return "atLeast" in limit ? measured >= limit.atLeast : measured <= limit.atMost;
}

export function limitText({ limit }: Figure): string {
  return "atLeast" in limit ? `at least ${shown(limit.atLeast)}` : `at most ${shown(limit.atMost)}`;
}

export function shown(figure: number): string {
  if (figure >= 100) return Math.round(figure).toLocaleString("en");
  return figure.toFixed(figure >= 10 ? 1 : 2);
}
