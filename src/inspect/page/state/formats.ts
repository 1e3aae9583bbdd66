// Numbers, times and durations for people.

import { amount } from "../../../internal/counted.ts";

export { span } from "../../conclusions/duration.ts";

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
  return `${amount(Math.round(perSecond))}/s`;
}

/** Returns the shortened digest of a store key. */
export function shortKey(storeKey: string): string {
  const digest = storeKey.slice(storeKey.lastIndexOf(".") + 1);
  return digest.length > 14 ? `${digest.slice(0, 12)}…` : digest;
}

/** Length of a name that is shown whole where possible, and of its end that is always shown. */
const WHOLE_NAME = 12;
const TAIL = 10;

const segmenter = new Intl.Segmenter();

/** Length of the end of a name that is divided into characters. The limit bounds the cost of a very long name. */
const DIVIDED = 200;

/** Splits a long name into a beginning, which may be shortened, and its end. Characters stay whole. */
export function splitName(name: string): { readonly head: string; readonly tail: string } {
  if (name.length <= WHOLE_NAME) return { head: name, tail: "" };
  const characters = Array.from(segmenter.segment(name.slice(-DIVIDED)), ({ segment }) => segment);
  if (name.length <= DIVIDED && characters.length <= WHOLE_NAME) return { head: name, tail: "" };
  const tail = characters.slice(-TAIL).join("");
  return { head: name.slice(0, name.length - tail.length), tail };
}

/** Length of a name in a sentence. */
const IN_SENTENCE = 80;

/** Shortens a name in the middle for a sentence or a title. */
export function shortName(name: string): string {
  return name.length <= IN_SENTENCE ? name : `${name.slice(0, IN_SENTENCE / 2)}…${name.slice(-IN_SENTENCE / 2)}`;
}
