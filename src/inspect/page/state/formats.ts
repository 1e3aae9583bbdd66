// Numbers, times and durations for people.

export { span } from "../../conclusions/duration.ts";

export function count(value: number): string {
  return value.toLocaleString("en");
}

/** Returns a count with its noun: `1 key`, `2 keys`. */
export function counted(value: number, one: string, many = `${one}s`): string {
  return `${count(value)} ${value === 1 ? one : many}`;
}

/** Simulated runs begin at 0. Earlier times than this are offsets, not dates. */
const EARLIEST_DATE = Date.UTC(2000);

/** Formats a time of day, or the offset in a simulated run. */
export function time(atMs: number): string {
  if (atMs < EARLIEST_DATE) return `${(atMs / 1_000).toFixed(3)} s`;
  const date = new Date(atMs);
  const parts = [date.getHours(), date.getMinutes(), date.getSeconds()];
  return parts.map((part) => String(part).padStart(2, "0")).join(":");
}

/** Formats like {@link time}, with milliseconds. */
export function exactTime(atMs: number): string {
  if (atMs < EARLIEST_DATE) return time(atMs);
  return `${time(atMs)}.${String(Math.floor(atMs) % 1_000).padStart(3, "0")}`;
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

/** Length of a name that is shown whole where possible, and of its end that is always shown. */
const WHOLE_NAME = 18;
const TAIL = 10;

const segmenter = new Intl.Segmenter();

/** Splits a long name into a beginning, which may be shortened, and its end. Characters stay whole. */
export function splitName(name: string): { readonly head: string; readonly tail: string } {
  const characters = Array.from(segmenter.segment(name), ({ segment }) => segment);
  if (characters.length <= WHOLE_NAME) return { head: name, tail: "" };
  return { head: characters.slice(0, -TAIL).join(""), tail: characters.slice(-TAIL).join("") };
}
