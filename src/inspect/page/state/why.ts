import type { EventDetail, ShownRecord } from "../../server/wire.ts";
import type { TraceEvent } from "../../trace/trace-event.ts";
import type { Tone } from "./events.ts";
import { span } from "./words.ts";

/** What became of the last delivery of an event, and why; and what the next one would come to. */
export interface Why {
  readonly fate: string;
  readonly tone: Tone;
  readonly because: string;
  /** Empty when nobody can say. */
  readonly next: string;
}

export function whyOf({ steps, holds }: EventDetail, nowMs: number): Why {
  const last = steps.findLast((step) => fateOf(step, steps) !== undefined);
  const fate = last === undefined ? undefined : fateOf(last, steps);
  return { ...(fate ?? untold(holds, nowMs)), next: nextOf(holds, nowMs) };
}

type Fate = Omit<Why, "next">;

const fate = (name: string, tone: Tone, because: string): Fate => ({ fate: name, tone, because });

/** What a step says of the delivery that it belongs to; `undefined` for one that decides nothing. */
function fateOf(step: TraceEvent, steps: readonly TraceEvent[]): Fate | undefined {
  const { replica, owner, attempt, forMs, cause } = step;
  switch (step.type) {
    case "duplicate": {
      const when = forMs === 0 ? "before" : `${span(forMs)} before`;
      const who =
        owner === replica
          ? "the event had been dispatched and committed"
          : `${owner} had dispatched the event and committed it`;
      return fate("Suppressed", "duplicate", `${who} ${when}, so that this delivery, on ${replica}, was a duplicate.`);
    }
    case "pending": {
      const who = owner === replica ? "somebody else" : owner;
      const again = forMs === 0 ? "comes back" : `comes back after ${span(forMs)}`;
      return fate(
        "Put back",
        "pending",
        `${who} held the key and was dispatching the event, so that this delivery, on ${replica}, ${again}. Had it been dropped, the event would be lost if that dispatch failed.`,
      );
    }
    case "committed": {
      const late =
        cause === "adopted"
          ? "Its lease had ended, but nobody had taken the key, so that the commit stands."
          : "The commit stands.";
      return fate(
        "Dispatched",
        "dispatched",
        `${replica} got the key, at attempt ${attempt}, and its handler succeeded. ${late}`,
      );
    }
    case "superseded":
      return fate(
        "Dispatched, perhaps twice",
        "superseded",
        `the handler on ${replica} succeeded, but another replica had taken the key meanwhile.`,
      );
    case "unconfirmed":
      return fate(
        "Dispatched",
        "superseded",
        `the handler on ${replica} succeeded, but the store did not confirm the commit${inWords(cause)}. The event may run again.`,
      );
    case "unprotected":
      return fate(
        "Dispatched unprotected",
        "superseded",
        `the store was out of reach, and ${replica} is configured to dispatch all the same${inWords(cause)}.`,
      );
    case "released":
    case "failed":
    case "put-back": {
      const error = cause === "" || step.type === "released" ? causeOfFailure(steps) : cause;
      return fate(
        "Dispatched without success",
        "failure",
        `the handler on ${replica} failed${inWords(error)}, and the key was given back, so that the event is tried again.`,
      );
    }
    case "store-unavailable":
      return fate(
        "Not dispatched",
        "failure",
        `${replica} could not learn from the store who holds the key${inWords(cause)}, so that the delivery comes back.`,
      );
    case "reserved":
    case "renewed":
    case "dispatched":
    case "began":
      return fate("Being dispatched", "held", `${replica} holds the key, at attempt ${attempt}, and has not finished.`);
    case "expired":
      return fate(
        "Still running",
        "expired",
        `the handler on ${replica} was told to stop${inWords(cause)}, and has not returned.`,
      );
    case "lapsed":
      return fate(
        "Never finished",
        "expired",
        `the lease of ${replica} ended without a word from it: it crashed, or stands still. The key is free again.`,
      );
    case "crashed":
      return fate("Never finished", "expired", `${replica} crashed. The key is free again when its lease is over.`);
    case "cleared":
      return fate(
        "Removed by hand",
        "pending",
        "somebody removed what the key held. The event is as if it had never come.",
      );
    case "delivered":
    case "acknowledged":
    case "frozen":
    case "fault":
    case "result-not-kept":
      return undefined;
  }
}

function inWords(cause: string): string {
  return cause === "" ? "" : ` (${cause})`;
}

function causeOfFailure(steps: readonly TraceEvent[]): string {
  return steps.findLast(({ type }) => type === "failed")?.cause ?? "";
}

/** Of an event of which no step is known. */
function untold(holds: EventDetail["holds"], nowMs: number): Fate {
  if (holds === undefined || holds === null) {
    return fate("Nothing is known", "plain", "no delivery of it was seen here.");
  }
  if (holds.state === "reserved") {
    return fate("Being dispatched", "held", `${holds.owner} holds the key, at attempt ${holds.attempt}.`);
  }
  return fate(
    "Dispatched",
    "dispatched",
    `${holds.owner} committed it ${span(nowMs - holds.atMs)} ago, at attempt ${holds.attempt}. No delivery was seen since.`,
  );
}

function nextOf(holds: EventDetail["holds"], nowMs: number): string {
  if (holds === undefined) return "";
  if (holds === null) return "The store holds nothing: the next delivery is dispatched.";
  if (holds.state === "committed")
    return "The next delivery is suppressed, until the window ends or the key is cleared.";
  const leftMs = leaseLeftMs(holds, nowMs);
  if (leftMs <= 0) return "Its lease is over: the next delivery is dispatched as soon as the store has let it go.";
  return `The next delivery is put back, while ${span(leftMs)} of the lease are left.`;
}

/** How much of a reservation's lease is left, by the writer's clock. */
export function leaseLeftMs({ atMs, leaseMs }: ShownRecord, nowMs: number): number {
  return atMs + leaseMs - nowMs;
}
