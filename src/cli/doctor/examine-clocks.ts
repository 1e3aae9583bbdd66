import type { ClockDifference } from "../../nats/wire/server-clock.ts";
import { printable, span } from "../terminal/style.ts";
import { type Finding, findingsAbout } from "./finding.ts";
import type { WrittenTimes } from "./written-times.ts";

const clocks = findingsAbout("clocks");

/** So close, clocks are as good as one. */
const CLOSE_MS = 500;
const SYNCHRONISE = "synchronise the clocks (NTP)";

/** The clock of this machine against that of the server that leads the bucket. */
export function examineOwnClock(difference: ClockDifference | undefined): Finding {
  if (difference === undefined) return clocks.note("this machine", "the server does not tell its time");
  const { offsetMs, uncertaintyMs } = difference;
  if (Math.abs(offsetMs) - uncertaintyMs <= CLOSE_MS) {
    const withinMs = Math.ceil(Math.abs(offsetMs) + uncertaintyMs);
    return clocks.ok("this machine", `agrees with the server to ${withinMs} ms`);
  }
  const evidence = `${distance(offsetMs)} the server, give or take ${Math.ceil(uncertaintyMs)} ms: no decision rests on it, but what people read does`;
  return clocks.warning("this machine", evidence, SYNCHRONISE);
}

/** The clocks of servers that lead something, by ours. */
export function examineServerClocks(
  differences: ReadonlyArray<ClockDifference | undefined>,
  skewMs: number,
): readonly Finding[] {
  const known = differences.filter((difference) => difference !== undefined);
  // No clock is surely ahead of another by more than this.
  const latestMs = Math.max(...known.map(({ offsetMs, uncertaintyMs }) => offsetMs - uncertaintyMs));
  const earliestMs = Math.min(...known.map(({ offsetMs, uncertaintyMs }) => offsetMs + uncertaintyMs));
  const apartMs = latestMs - earliestMs;
  return apartMs > CLOSE_MS ? [apart("those that lead the buckets and the consumer now", apartMs, skewMs)] : [];
}

/** The clocks that the records tell of. */
export function examineWrittenTimes(times: WrittenTimes, skewMs: number): readonly Finding[] {
  const servers =
    times.largestStepBackMs <= CLOSE_MS
      ? []
      : [apart("those that have led a bucket one after the other", times.largestStepBackMs, skewMs)];
  const owners = times
    .strangest(skewMs)
    .map(({ owner, offsetMs }) => `${printable(owner)} is ${distance(offsetMs)} it`);
  if (owners.length === 0) return servers;
  const evidence = `the clocks of some owners differ from the server's: ${owners.join(", ")}; no decision rests on it, but times in logs do`;
  return [...servers, clocks.warning("owners", evidence, SYNCHRONISE)];
}

function apart(which: string, apartMs: number, skewMs: number): Finding {
  const evidence = `the clocks of servers are ${length(apartMs)} apart: ${which}`;
  if (apartMs <= skewMs)
    return clocks.warning("servers", `${evidence}; the skew allows for ${span(skewMs)}`, SYNCHRONISE);
  const danger = `${evidence}; more than the skew of ${span(skewMs)}, so that a reservation can end before its holder stops`;
  return clocks.error("servers", danger, `${SYNCHRONISE}, or raise LATCHKEY_SKEW_SECONDS above it`);
}

/** `1 h behind`, for what would have to be added to a clock. */
function distance(offsetMs: number): string {
  return `${length(Math.abs(offsetMs))} ${offsetMs > 0 ? "behind" : "ahead of"}`;
}

function length(ms: number): string {
  return ms < 10_000 ? `${Math.round(ms)} ms` : span(ms);
}
