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

const UNITS = [
  { name: "d", ms: 86_400_000 },
  { name: "h", ms: 3_600_000 },
  { name: "min", ms: 60_000 },
  { name: "s", ms: 1_000 },
] as const;

/** Formats a duration in its two largest units: `3 h 12 min`. */
export function span(durationMs: number): string {
  const wholeMs = Math.max(0, Math.round(durationMs / 1_000) * 1_000);
  const first = UNITS.findIndex(({ ms }) => wholeMs >= ms);
  const [large, small] = first === -1 ? [] : UNITS.slice(first);
  if (large === undefined) return "0 s";
  const count = Math.floor(wholeMs / large.ms);
  const rest = small === undefined ? 0 : Math.floor((wholeMs % large.ms) / small.ms);
  return `${count} ${large.name}${small === undefined || rest === 0 ? "" : ` ${rest} ${small.name}`}`;
}
