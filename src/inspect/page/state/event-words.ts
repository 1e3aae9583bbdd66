import { amount } from "../../../internal/counted.ts";
import type { TraceEvent, TraceType } from "../../trace/trace-event.ts";
import { span } from "./formats.ts";

/** Meaning of a colour on the page. */
export type Tone = "held" | "dispatched" | "duplicate" | "pending" | "failure" | "expired" | "superseded" | "plain";

interface EventWords {
  readonly word: string;
  readonly tone: Tone;
  /** Explanation in one sentence, for a reader new to the event. */
  readonly meaning: string;
}

export const eventWords: Readonly<Record<TraceType, EventWords>> = {
  reserved: { word: "reserved", tone: "held", meaning: "The replica holds the key and runs the handler" },
  renewed: { word: "renewed", tone: "held", meaning: "The handler is still running, and a new lease began" },
  dispatched: { word: "handler done", tone: "dispatched", meaning: "The handler returned, and the commit is next" },
  failed: { word: "handler failed", tone: "failure", meaning: "The handler threw, and the key is released next" },
  committed: { word: "committed", tone: "dispatched", meaning: "From now on, duplicates are suppressed" },
  superseded: {
    word: "superseded",
    tone: "superseded",
    meaning: "Another replica took the key while the handler ran, so the event may have run twice",
  },
  unconfirmed: {
    word: "unconfirmed",
    tone: "superseded",
    meaning: "The handler returned, but the commit was not acknowledged, so the event may run again",
  },
  released: { word: "released", tone: "failure", meaning: "The key is free, and the next delivery is dispatched" },
  expired: { word: "lease ended", tone: "expired", meaning: "The replica lost the key, and its handler was aborted" },
  duplicate: { word: "duplicate", tone: "duplicate", meaning: "The event was already dispatched" },
  pending: {
    word: "pending",
    tone: "pending",
    meaning: "Another replica was dispatching the event, so this delivery comes back",
  },
  unprotected: {
    word: "unprotected",
    tone: "superseded",
    meaning: "The store was unavailable, and the handler ran without a reservation, as configured",
  },
  "store-unavailable": {
    word: "store unavailable",
    tone: "failure",
    meaning: "The store did not answer, so nothing was dispatched",
  },
  "result-not-kept": {
    word: "result not kept",
    tone: "expired",
    meaning: "The event was dispatched, but the handler's result could not be stored",
  },
  lapsed: {
    word: "lapsed",
    tone: "expired",
    meaning: "The lease ended without a renewal, because the holder crashed or hangs",
  },
  cleared: {
    word: "cleared",
    tone: "pending",
    meaning: "An operator cleared the key, and the next delivery is dispatched",
  },
  delivered: { word: "delivered", tone: "plain", meaning: "The replica received a message with the event" },
  began: { word: "handler began", tone: "held", meaning: "The handler's effect on the outside world began" },
  acknowledged: { word: "acknowledged", tone: "plain", meaning: "The replica acknowledged the message to the broker" },
  nak: { word: "nak", tone: "failure", meaning: "The replica refused the message, and the broker delivers it again" },
  frozen: { word: "frozen", tone: "expired", meaning: "The process was stopped for a while" },
  crashed: { word: "crashed", tone: "expired", meaning: "The process died" },
  fault: { word: "fault", tone: "expired", meaning: "A fault was injected" },
};

/** Returns the details of an event, such as its attempt, lease and cause, or an empty text. */
export function detailOf(event: TraceEvent): string {
  return [...particulars(event), ...(event.cause === "" ? [] : [event.cause])].join(" · ");
}

function particulars({ type, attempt, fence, forMs, owner, replica }: TraceEvent): readonly string[] {
  switch (type) {
    case "reserved":
      return [`attempt ${attempt}`, `fence ${amount(fence)}`, `lease ${span(forMs)}`];
    case "renewed":
      return [`lease ${span(forMs)}`];
    case "duplicate":
      return forMs === 0 ? [] : [`committed by ${owner} ${span(forMs)} before`];
    case "pending":
      return [...(owner === replica ? [] : [`held by ${owner}`]), ...(forMs === 0 ? [] : [`again in ${span(forMs)}`])];
    case "nak":
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
