/** Numbers, times and lengths of time as people read them. */

export function count(value: number): string {
  return value.toLocaleString("en");
}

/** `1 key`, `2 keys` */
export function counted(value: number, one: string, many = `${one}s`): string {
  return `${count(value)} ${value === 1 ? one : many}`;
}

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** A length of time, to two digits or so. */
export function span(ms: number): string {
  const size = Math.abs(ms);
  if (size < SECOND) return `${size > 0 && size < 10 ? Number(ms.toFixed(1)) : Math.round(ms)} ms`;
  if (size < 10 * SECOND) return `${Number((ms / SECOND).toFixed(1))} s`;
  if (size < 2 * MINUTE) return `${Math.round(ms / SECOND)} s`;
  if (size < 2 * HOUR) return `${Math.round(ms / MINUTE)} min`;
  if (size < 2 * DAY) return `${Math.round(ms / HOUR)} h`;
  return `${Math.round(ms / DAY)} d`;
}

/** A simulated run begins at 0: what is earlier than this is no date. */
const EARLIEST_DATE = Date.UTC(2000);

/** The time of day; of a simulated run, the time since its beginning. */
export function time(atMs: number): string {
  if (atMs < EARLIEST_DATE) return `${(atMs / SECOND).toFixed(3)} s`;
  const date = new Date(atMs);
  const parts = [date.getHours(), date.getMinutes(), date.getSeconds()];
  return parts.map((part) => String(part).padStart(2, "0")).join(":");
}

/** The same with milliseconds. */
export function exactTime(atMs: number): string {
  if (atMs < EARLIEST_DATE) return time(atMs);
  return `${time(atMs)}.${String(Math.floor(atMs) % SECOND).padStart(3, "0")}`;
}

/** A rate for a small place. */
export function rate(perSecond: number): string {
  if (perSecond === 0) return "";
  if (perSecond < 0.95) return `${perSecond.toFixed(1)}/s`;
  return `${count(Math.round(perSecond))}/s`;
}

/** The end of a store's key: the digest, shortened. */
export function shortKey(storeKey: string): string {
  const digest = storeKey.slice(storeKey.lastIndexOf(".") + 1);
  return digest.length > 14 ? `${digest.slice(0, 12)}…` : digest;
}
