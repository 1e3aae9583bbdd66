/** A figure that was set as a goal. */
export interface Figure {
  readonly what: string;
  /** `undefined` where it could not be measured. */
  readonly is: number | undefined;
  readonly goal: { readonly atLeast: number } | { readonly atMost: number };
}

export function isReached({ is, goal }: Figure): boolean {
  if (is === undefined) return false;
  return "atLeast" in goal ? is >= goal.atLeast : is <= goal.atMost;
}

export function goalText({ goal }: Figure): string {
  return "atLeast" in goal ? `at least ${shown(goal.atLeast)}` : `at most ${shown(goal.atMost)}`;
}

export function shown(figure: number): string {
  if (figure >= 100) return Math.round(figure).toLocaleString("en");
  return figure.toFixed(figure >= 10 ? 1 : 2);
}
