import type { TraceEvent, TraceType } from "../../trace/trace-event.ts";
import { count, span } from "./words.ts";

/** What a colour means on the page. */
export type Tone = "held" | "dispatched" | "duplicate" | "pending" | "failure" | "expired" | "superseded" | "plain";

interface Kind {
  readonly word: string;
  readonly tone: Tone;
  /** What it means, in a sentence for somebody who sees it for the first time. */
  readonly meaning: string;
}

export const kinds: Readonly<Record<TraceType, Kind>> = {
  reserved: { word: "reserved", tone: "held", meaning: "The replica holds the key, and its handler runs" },
  renewed: { word: "renewed", tone: "held", meaning: "The handler still runs: a new lease begins" },
  dispatched: { word: "handler done", tone: "dispatched", meaning: "The handler returned; the commit is written" },
  failed: { word: "handler failed", tone: "failure", meaning: "The handler threw; the key is given back" },
  committed: {
    word: "committed",
    tone: "dispatched",
    meaning: "The dispatch stands: duplicates are suppressed from now on",
  },
  superseded: {
    word: "superseded",
    tone: "superseded",
    meaning: "Another replica took the key while the handler ran: the event may have run twice",
  },
  unconfirmed: {
    word: "unconfirmed",
    tone: "superseded",
    meaning: "The handler returned, and nobody knows whether the commit stands: the event may run again",
  },
  released: { word: "released", tone: "failure", meaning: "The key is free: the next delivery is dispatched" },
  expired: {
    word: "lease ended",
    tone: "expired",
    meaning: "The handler was told to stop: the key is no longer its own",
  },
  duplicate: {
    word: "duplicate",
    tone: "duplicate",
    meaning: "The event had been dispatched: this delivery was suppressed",
  },
  pending: {
    word: "put back",
    tone: "pending",
    meaning: "Another replica was dispatching the event: this delivery comes back",
  },
  unprotected: {
    word: "unprotected",
    tone: "superseded",
    meaning: "The store was out of reach, and the handler ran without a reservation, as it was configured",
  },
  "store-unavailable": {
    word: "store out of reach",
    tone: "failure",
    meaning: "The store could not say who holds the key: nothing was dispatched",
  },
  "result-not-kept": {
    word: "result not kept",
    tone: "expired",
    meaning: "The event was dispatched; what the handler returned could not be kept",
  },
  lapsed: {
    word: "lapsed",
    tone: "expired",
    meaning: "The lease ended without a word from its holder: it crashed, or stands still",
  },
  cleared: {
    word: "removed by hand",
    tone: "pending",
    meaning: "Somebody removed what the key held: the next delivery is dispatched",
  },
  delivered: { word: "delivered", tone: "plain", meaning: "A message with the event came to the replica" },
  began: { word: "handler began", tone: "held", meaning: "The handler's effect on the world began" },
  acknowledged: { word: "acknowledged", tone: "plain", meaning: "The broker was told that the message is done with" },
  "put-back": { word: "put back", tone: "failure", meaning: "The delivery failed and comes back" },
  frozen: { word: "frozen", tone: "expired", meaning: "The process stands still" },
  crashed: { word: "crashed", tone: "expired", meaning: "The process is no more" },
  fault: { word: "fault", tone: "expired", meaning: "Something was made to go wrong" },
};

/** What is to be told of a step beside its kind: attempt, lease, cause; empty when there is nothing. */
export function detailOf(step: TraceEvent): string {
  return [...particulars(step), ...(step.cause === "" ? [] : [step.cause])].join(" · ");
}

function particulars({ type, attempt, fence, forMs, owner, replica }: TraceEvent): readonly string[] {
  switch (type) {
    case "reserved":
      return [`attempt ${attempt}`, `fence ${count(fence)}`, `lease ${span(forMs)}`];
    case "renewed":
      return [`lease ${span(forMs)}`];
    case "duplicate":
      return forMs === 0 ? [] : [`committed by ${owner} ${span(forMs)} before`];
    case "pending":
      return [...(owner === replica ? [] : [`held by ${owner}`]), ...(forMs === 0 ? [] : [`again in ${span(forMs)}`])];
    case "put-back":
      return forMs === 0 ? [] : [`again in ${span(forMs)}`];
    case "delivered":
      return [`delivery ${attempt}`];
    case "committed":
    case "dispatched":
    case "failed":
    case "superseded":
    case "unconfirmed":
    case "released":
    case "expired":
    case "unprotected":
    case "store-unavailable":
    case "result-not-kept":
    case "lapsed":
    case "cleared":
    case "began":
    case "acknowledged":
    case "frozen":
    case "crashed":
    case "fault":
      return [];
  }
}
