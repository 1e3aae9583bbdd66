import { span } from "../../inspect/conclusions/duration.ts";
import type { ClockDifference } from "../../nats/wire/server-clock.ts";
import { printable } from "../terminal/printable.ts";
import { type Finding, findingsAbout } from "./finding.ts";
import type { RecordTimes } from "./record-times.ts";

const clocks = findingsAbout("clocks");

/** Differences up to this are ignored. */
const CLOSE_MS = 500;
const SYNCHRONISE = "synchronise the clocks with NTP";

/** Compares the local clock with that of the bucket's leader. */
export function examineOwnClock(difference: ClockDifference | undefined): Finding {
  if (difference === undefined) return clocks.note("this machine", "the server does not report its time");
  const { offsetMs, uncertaintyMs } = difference;
  if (Math.abs(offsetMs) - uncertaintyMs <= CLOSE_MS) {
    const withinMs = Math.ceil(Math.abs(offsetMs) + uncertaintyMs);
    return clocks.ok("this machine", `is within ${withinMs} ms of the server`);
  }
  const evidence = `${distance(offsetMs)} the server, with an uncertainty of ${Math.ceil(uncertaintyMs)} ms: no decision depends on it, but timestamps do`;
  return clocks.warning("this machine", evidence, SYNCHRONISE);
}

/** Compares the clocks of the servers that lead the buckets and the consumer. */
export function examineServerClocks(
  differences: ReadonlyArray<ClockDifference | undefined>,
  skewMs: number,
): readonly Finding[] {
  const known = differences.filter((difference) => difference !== undefined);
  // Only differences beyond the measuring uncertainty count.
  const latestMs = Math.max(...known.map(({ offsetMs, uncertaintyMs }) => offsetMs - uncertaintyMs));
  const earliestMs = Math.min(...known.map(({ offsetMs, uncertaintyMs }) => offsetMs + uncertaintyMs));
  const apartMs = latestMs - earliestMs;
  return apartMs > CLOSE_MS ? [apart("current leaders of the buckets and the consumer", apartMs, skewMs)] : [];
}

/** Compares the clocks that wrote the records. */
export function examineRecordTimes(times: RecordTimes, skewMs: number): readonly Finding[] {
  const servers =
    times.largestStepBackMs <= CLOSE_MS
      ? []
      : [apart("successive leaders of a bucket", times.largestStepBackMs, skewMs)];
  const owners = times
    .largestOffsets(skewMs)
    .map(({ owner, offsetMs }) => `${printable(owner)} is ${distance(offsetMs)} it`);
  if (owners.length === 0) return servers;
  const evidence = `the clocks of some owners differ from the server's: ${owners.join(", ")}; no decision depends on it, but log timestamps do`;
  return [...servers, clocks.warning("owners", evidence, SYNCHRONISE)];
}

function apart(which: string, apartMs: number, skewMs: number): Finding {
  const evidence = `the clocks of servers differ by ${length(apartMs)}: ${which}`;
  if (apartMs <= skewMs) return clocks.warning("servers", `${evidence}; the skew allows ${span(skewMs)}`, SYNCHRONISE);
  const danger = `${evidence}; that exceeds the skew of ${span(skewMs)}, so a reservation can end before its holder stops`;
  return clocks.error("servers", danger, `${SYNCHRONISE}, or raise LATCHKEY_SKEW_SECONDS`);
}

/** Formats the offset of a clock: `1 h behind`. */
function distance(offsetMs: number): string {
  return `${length(Math.abs(offsetMs))} ${offsetMs > 0 ? "behind" : "ahead of"}`;
}

function length(ms: number): string {
  return ms < 10_000 ? `${Math.round(ms)} ms` : span(ms);
}
