// Numbers, times and durations for people.

export function count(value: number): string {
  return value.toLocaleString("en");
}

/** Returns a count with its noun: `1 key`, `2 keys`. */
export function counted(value: number, one: string, many = `${one}s`): string {
  return `${count(value)} ${value === 1 ? one : many}`;
}

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

/** Simulated runs begin at 0. Earlier times than this are offsets, not dates. */
const EARLIEST_DATE = Date.UTC(2000);

/** Formats a time of day, or the offset in a simulated run. */
export function time(atMs: number): string {
  if (atMs < EARLIEST_DATE) return `${(atMs / SECOND).toFixed(3)} s`;
  const date = new Date(atMs);
  const parts = [date.getHours(), date.getMinutes(), date.getSeconds()];
  return parts.map((part) => String(part).padStart(2, "0")).join(":");
}

/** Formats like {@link time}, with milliseconds. */
export function exactTime(atMs: number): string {
  if (atMs < EARLIEST_DATE) return time(atMs);
  return `${time(atMs)}.${String(Math.floor(atMs) % SECOND).padStart(3, "0")}`;
}

/** Formats a rate, or returns an empty text for none. */
export function rate(perSecond: number): string {
  if (perSecond === 0) return "";
  if (perSecond < 0.95) return `${perSecond.toFixed(1)}/s`;
  return `${count(Math.round(perSecond))}/s`;
}

/** Returns the shortened digest of a store key. */
export function shortKey(storeKey: string): string {
  const digest = storeKey.slice(storeKey.lastIndexOf(".") + 1);
  return digest.length > 14 ? `${digest.slice(0, 12)}…` : digest;
}
