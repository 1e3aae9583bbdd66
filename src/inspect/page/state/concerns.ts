import { type Concern, MANY_ATTEMPTS } from "../../trace/attention.ts";
import type { Tone } from "./events.ts";

interface ConcernWords {
  readonly title: string;
  readonly tone: Tone;
  /** What it means, and what to do. */
  readonly advice: string;
}

export const concerns: Readonly<Record<Concern, ConcernWords>> = {
  expired: {
    title: "Lease ended while the handler ran",
    tone: "expired",
    advice: "The handler was told to stop. It is slower than its lease, or the store could not be reached to renew it.",
  },
  lapsed: {
    title: "Holder went silent",
    tone: "expired",
    advice: "Its lease ended without a renewal: the replica crashed or stands still. The next delivery is dispatched.",
  },
  superseded: {
    title: "May have run twice",
    tone: "superseded",
    advice:
      "Another replica took the key while the handler ran. Check downstream, by the idempotency key and the fence.",
  },
  unconfirmed: {
    title: "Commit not confirmed",
    tone: "superseded",
    advice: "The handler succeeded, and the store did not answer in time. The event may run again.",
  },
  unprotected: {
    title: "Ran without protection",
    tone: "superseded",
    advice: "The store was out of reach and the service is configured to dispatch all the same. It may have run twice.",
  },
  retried: {
    title: `Begun more than ${MANY_ATTEMPTS} times`,
    tone: "failure",
    advice: "Its handler fails again and again, or its replicas do. Look at the cause of the failures.",
  },
  "store-unavailable": {
    title: "Store out of reach",
    tone: "failure",
    advice: "Nothing is dispatched without it; deliveries come back. Run latchkey doctor.",
  },
};
