import { heldSinceMs } from "../../conclusions/held-since.ts";
import { type LeaseClock, suspicionOf, suspicionWords } from "../../conclusions/suspicion.ts";
import { type KeyContent, verdictOf } from "../../conclusions/verdict.ts";
import type { EventDetail, ShownRecord } from "../../server/wire.ts";
import type { TraceEvent } from "../../trace/trace-event.ts";
import { toneOf } from "./concern-words.ts";
import type { Tone } from "./event-words.ts";
import { span } from "./formats.ts";
import { takeoversIn } from "./timeline.ts";

/** Outcome of an event's last delivery, the reason, and the outcome of the next delivery. */
export interface LastOutcome {
  readonly outcome: string;
  readonly tone: Tone;
  readonly because: string;
  /** Empty if unknown. */
  readonly next: string;
}

type LastDelivery = Omit<LastOutcome, "next">;

export function explain(detail: EventDetail, now: LeaseClock): LastOutcome {
  const { trace, record } = detail;
  const last = trace.findLast((event) => explainEvent(event, trace) !== undefined);
  const explained = last === undefined ? undefined : explainEvent(last, trace);
  return {
    ...(explained ?? explainFailure(detail, now.nowMs) ?? explainRecord(record, now.nowMs)),
    ...suspected(detail, now),
    next: nextDelivery(detail, now),
  };
}

/** Returns the suspicion about the holder, which is more urgent than the fact that the event is in flight. */
function suspected({ record, trace }: EventDetail, now: LeaseClock): Pick<LastOutcome, "outcome" | "tone"> | undefined {
  const content = record === undefined ? undefined : contentOf(record, trace);
  const suspicion = content?.state === "reserved" ? suspicionOf(content, now) : undefined;
  if (suspicion === undefined) return undefined;
  return { outcome: suspicionWords[suspicion].title, tone: toneOf(suspicion) };
}

const lastDelivery = (outcome: string, tone: Tone, because: string): LastDelivery => ({ outcome, tone, because });

/** Explains the delivery to which an event belongs. Returns `undefined` for an event that decides nothing. */
function explainEvent(event: TraceEvent, trace: readonly TraceEvent[]): LastDelivery | undefined {
  const { replica, owner, attempt, forMs, cause } = event;
  switch (event.type) {
    case "duplicate": {
      const when = forMs === 0 ? "earlier" : `${span(forMs)} earlier`;
      const who = owner === replica ? replica : owner;
      return lastDelivery(
        "Suppressed",
        "duplicate",
        `${who} had dispatched and committed the event ${when}, so this delivery on ${replica} was a duplicate.`,
      );
    }
    case "pending": {
      const who = owner === replica ? "another caller" : owner;
      const again = forMs === 0 ? "comes back" : `comes back after ${span(forMs)}`;
      return lastDelivery(
        "Pending",
        "pending",
        `${who} was dispatching the event, so this delivery on ${replica} ${again}. Dropping it would lose the event if that dispatch failed.`,
      );
    }
    case "committed": {
      const how =
        cause === "adopted"
          ? "Its lease had ended, but no other replica had taken the key, so the commit counts."
          : "The commit was confirmed.";
      return lastDelivery(
        "Dispatched",
        "dispatched",
        `the handler on ${replica} succeeded at attempt ${attempt}. ${how}`,
      );
    }
    case "superseded":
      return lastDelivery(
        "Dispatched, perhaps twice",
        "superseded",
        `the handler on ${replica} succeeded, but another replica had taken the key.`,
      );
    case "unconfirmed":
      return lastDelivery(
        "Dispatched",
        "superseded",
        `the handler on ${replica} succeeded, but the store did not confirm the commit${inParentheses(cause)}. The event may run again.`,
      );
    case "unprotected":
      return lastDelivery(
        "Dispatched without protection",
        "superseded",
        `the store was unavailable, and ${replica} is configured to dispatch anyway${inParentheses(cause)}.`,
      );
    case "released":
    case "failed":
    case "nak": {
      const error = cause === "" || event.type === "released" ? lastFailure(trace) : cause;
      return lastDelivery(
        "Failed",
        "failure",
        `the handler on ${replica} failed${inParentheses(error)}, and the key was released.`,
      );
    }
    case "store-unavailable":
      return lastDelivery(
        "Not dispatched",
        "failure",
        `${replica} could not reach the store${inParentheses(cause)}, so the delivery comes back.`,
      );
    case "reserved":
    case "renewed":
    case "dispatched":
    case "began":
      return lastDelivery(
        "In flight",
        "held",
        `${replica} holds the key at attempt ${attempt} and has not finished.${takeoverSentence(trace)}`,
      );
    case "expired":
      return lastDelivery(
        "Still running",
        "expired",
        `the handler on ${replica} was aborted${inParentheses(cause)} and has not returned.`,
      );
    case "lapsed":
      return lastDelivery(
        "Never finished",
        "expired",
        `the lease of ${replica} ended without a renewal, because the replica crashed or hangs. The key is free.`,
      );
    case "crashed":
      return lastDelivery("Never finished", "expired", `${replica} crashed. The key is free when the lease ends.`);
    case "cleared":
      return lastDelivery("Cleared", "pending", "an operator cleared the key.");
    case "delivered":
    case "acknowledged":
    case "frozen":
    case "fault":
    case "result-not-kept":
      return undefined;
  }
}

function takeoverSentence(trace: readonly TraceEvent[]): string {
  const last = trace.findLast(({ type }) => type === "reserved");
  const fence = last === undefined ? undefined : takeoversIn(trace).get(last);
  return fence === undefined ? "" : ` It took over from fence ${fence}, whose holder did not finish.`;
}

function inParentheses(cause: string): string {
  return cause === "" ? "" : ` (${cause})`;
}

function lastFailure(trace: readonly TraceEvent[]): string {
  return trace.findLast(({ type }) => type === "failed")?.cause ?? "";
}

/** Explains an event without a trace from the failure that the store remembers. */
function explainFailure({ failure }: EventDetail, nowMs: number): LastDelivery | undefined {
  if (failure === undefined) return undefined;
  const { owner, attempt, atMs, error } = failure;
  const when = span(Math.max(0, nowMs - atMs));
  return lastDelivery(
    "Failed",
    "failure",
    `the handler on ${owner} failed ${when} ago at attempt ${attempt} (${error}).`,
  );
}

/** Explains an event without a trace from its record. */
function explainRecord(record: EventDetail["record"], nowMs: number): LastDelivery {
  if (record === undefined || record === null) {
    return lastDelivery("No delivery seen", "plain", "the inspector has recorded no delivery of this event.");
  }
  if (record.state === "reserved") {
    return lastDelivery("In flight", "held", `${record.owner} holds the key at attempt ${record.attempt}.`);
  }
  return lastDelivery(
    "Dispatched",
    "dispatched",
    `${record.owner} committed the event ${span(nowMs - record.atMs)} ago at attempt ${record.attempt}. The inspector has recorded no delivery since.`,
  );
}

/** Returns the verdict on the next delivery, or an empty text in a recording. */
function nextDelivery({ record, trace }: EventDetail, now: LeaseClock): string {
  if (record === undefined) return "";
  // The reason is explained above.
  if (record === null && trace.length > 0) return "The key is empty, so the next delivery is dispatched.";
  return verdictOf(contentOf(record, trace), now).text;
}

function contentOf(record: ShownRecord | null, trace: readonly TraceEvent[]): KeyContent {
  if (record === null) return { state: "empty" };
  const { owner, attempt, leaseMs, atMs, fence } = record;
  if (record.state === "committed") return { state: "committed", owner, attempt, committedAtMs: atMs };
  const beganAtMs = heldSinceMs(atMs, record);
  const renewals = trace.filter((event) => event.type === "renewed" && event.fence === fence).length;
  return { state: "reserved", owner, attempt, leaseMs, leaseFromMs: atMs, beganAtMs, renewals };
}

/** Returns the rest of a reservation's lease by the writer's clock, in milliseconds. */
export function remainingRecordLeaseMs({ atMs, leaseMs }: ShownRecord, nowMs: number): number {
  return atMs + leaseMs - nowMs;
}
