const grouped = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });

/** Formats a number with its noun: `1,204 keys`. */
export function count(number: number, noun: string, plural = `${noun}s`): string {
  return `${grouped.format(number)} ${number === 1 ? noun : plural}`;
}

/** Formats a number with grouped digits: `1,204`. */
export function amount(number: number): string {
  return grouped.format(number);
}

/** Formats a duration in seconds: `1.5 s`. */
export function seconds(durationMs: number): string {
  return `${(durationMs / 1_000).toFixed(durationMs < 10_000 ? 1 : 0)} s`;
}
