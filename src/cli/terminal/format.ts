/** Formats a duration in seconds: `1.5 s`. */
export function secondsText(durationMs: number): string {
  return `${(durationMs / 1_000).toFixed(durationMs < 10_000 ? 1 : 0)} s`;
}
