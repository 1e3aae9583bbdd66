import { type Suspicion, suspicionWords } from "../../conclusions/suspicion.ts";
import type { Concern } from "../../trace/notice-log.ts";
import type { Tone } from "./event-words.ts";

interface ConcernWords {
  readonly title: string;
  /** A warning may resolve itself. */
  readonly severity: "warning" | "error";
  readonly tone: Tone;
  /** Meaning of the concern, and its remedy. */
  readonly advice: string;
}

const tones = { warning: "pending", error: "expired" } as const satisfies Record<string, Tone>;

/** Returns the colour of a suspicion, which follows from its severity. */
export function toneOf(suspicion: Suspicion): Tone {
  return tones[suspicionWords[suspicion].severity];
}

function wordsOf(suspicion: Suspicion): ConcernWords {
  const { title, severity, advice } = suspicionWords[suspicion];
  return { title, severity, tone: toneOf(suspicion), advice };
}

export const concernWords: Readonly<Record<Concern, ConcernWords>> = {
  overdue: wordsOf("overdue"),
  endless: wordsOf("endless"),
  silent: wordsOf("silent"),
  "long-held": wordsOf("long-held"),
  retried: wordsOf("retried"),
  failing: {
    title: "Dispatch failed",
    severity: "warning",
    tone: "failure",
    advice: "The handler threw, and the key was released. The next delivery is dispatched.",
  },
  expired: {
    title: "Lease ended while the handler ran",
    severity: "error",
    tone: "expired",
    advice: "The handler was aborted. It runs longer than its lease, or the lease could not be renewed in the store.",
  },
  lapsed: {
    title: "Lease ended without a renewal",
    severity: "error",
    tone: "expired",
    advice: "The holder did not renew its lease, so the replica crashed or hangs. The next delivery is dispatched.",
  },
  superseded: {
    title: "May have run twice",
    severity: "error",
    tone: "superseded",
    advice: "Another replica took the key while the handler ran. Check downstream by idempotency key and fence.",
  },
  unconfirmed: {
    title: "Commit not confirmed",
    severity: "error",
    tone: "superseded",
    advice: "The handler succeeded, but the store did not answer in time. The event may run again.",
  },
  unprotected: {
    title: "Ran without protection",
    severity: "error",
    tone: "superseded",
    advice:
      "The store was unavailable, and the service is configured to dispatch anyway. The event may have run twice.",
  },
  unreadable: {
    title: "Record cannot be read",
    severity: "error",
    tone: "failure",
    advice: "Another program wrote it, or a newer version of Latchkey. Other keys are not affected.",
  },
  "store-unavailable": {
    title: "Store unavailable",
    severity: "error",
    tone: "failure",
    advice: "Without the store nothing is dispatched, and deliveries come back. Run latchkey doctor.",
  },
};
