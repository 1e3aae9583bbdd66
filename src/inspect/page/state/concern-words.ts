import { type Concern, MANY_ATTEMPTS } from "../../trace/attention.ts";
import type { Tone } from "./event-words.ts";

interface ConcernWords {
  readonly title: string;
  readonly tone: Tone;
  /** What the concern means, and what to do about it. */
  readonly advice: string;
}

export const concernWords: Readonly<Record<Concern, ConcernWords>> = {
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
  retried: {
    title: `More than ${MANY_ATTEMPTS} attempts`,
    tone: "failure",
    advice: "The handler keeps failing, or its replicas keep crashing. Look at the errors.",
  },
  "store-unavailable": {
    title: "Store unavailable",
    tone: "failure",
    advice: "Without the store nothing is dispatched, and deliveries come back. Run latchkey doctor.",
  },
};
