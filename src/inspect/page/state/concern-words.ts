import { type Suspicion, suspicionWords } from "../../conclusions/suspicion.ts";
import type { Concern } from "../../trace/attention.ts";
import type { Tone } from "./event-words.ts";

interface ConcernWords {
  readonly title: string;
  readonly tone: Tone;
  /** Meaning of the concern, and its remedy. */
  readonly advice: string;
}

const tones: Readonly<Record<"warning" | "error", Tone>> = { warning: "pending", error: "expired" };

function wordsOf(suspicion: Suspicion): ConcernWords {
  const { title, severity, advice } = suspicionWords[suspicion];
  return { title, tone: tones[severity], advice };
}

export const concernWords: Readonly<Record<Concern, ConcernWords>> = {
  overdue: wordsOf("overdue"),
  endless: wordsOf("endless"),
  silent: wordsOf("silent"),
  "long-held": wordsOf("long-held"),
  retried: wordsOf("retried"),
  failing: {
    title: "Dispatch failed",
    tone: "failure",
    advice: "The handler threw, and the key was released. The next delivery is dispatched.",
  },
  expired: {
    title: "Lease ended while the handler ran",
    tone: "expired",
    advice: "The handler was aborted. It runs longer than its lease, or the lease could not be renewed in the store.",
  },
  lapsed: {
    title: "Holder went silent",
    tone: "expired",
    advice: "Its lease ended without a renewal, so the replica crashed or hangs. The next delivery is dispatched.",
  },
  superseded: {
    title: "May have run twice",
    tone: "superseded",
    advice: "Another replica took the key while the handler ran. Check downstream by idempotency key and fence.",
  },
  unconfirmed: {
    title: "Commit not confirmed",
    tone: "superseded",
    advice: "The handler succeeded, but the store did not answer in time. The event may run again.",
  },
  unprotected: {
    title: "Ran without protection",
    tone: "superseded",
    advice:
      "The store was unavailable, and the service is configured to dispatch anyway. The event may have run twice.",
  },
  unreadable: {
    title: "Record cannot be read",
    tone: "failure",
    advice: "Another program wrote it, or a newer version of Latchkey. Other keys are not affected.",
  },
  "store-unavailable": {
    title: "Store unavailable",
    tone: "failure",
    advice: "Without the store nothing is dispatched, and deliveries come back. Run latchkey doctor.",
  },
};

const WARNINGS: readonly Concern[] = ["long-held", "retried", "failing"];

/** Returns true for a concern that may resolve itself. */
export function isWarning(concern: Concern): boolean {
  return WARNINGS.includes(concern);
}
