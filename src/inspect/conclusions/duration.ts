const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** Formats a duration with about two digits. */
export function span(ms: number): string {
  const size = Math.abs(ms);
  if (size < SECOND) return `${size > 0 && size < 10 ? Number(ms.toFixed(1)) : Math.round(ms)} ms`;
  if (size < 10 * SECOND) return `${Number((ms / SECOND).toFixed(1))} s`;
  if (size < 2 * MINUTE) return `${Math.round(ms / SECOND)} s`;
  if (size < 2 * HOUR) return `${Math.round(ms / MINUTE)} min`;
  if (size < 2 * DAY) return `${Math.round(ms / HOUR)} h`;
  return `${Math.round(ms / DAY)} d`;
}
