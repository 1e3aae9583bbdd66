import type { ShownRecord } from "../../server/wire.ts";
import type { EventRef } from "../../trace/trace-event.ts";
import { span } from "./words.ts";

/** What somebody is about to do by hand, and what will come of it. */
export interface Removal {
  readonly verb: "Release" | "Clear";
  readonly storeKey: string;
  /** Exactly what was looked at is removed, or nothing. */
  readonly revision: number;
  readonly title: string;
  readonly consequences: readonly string[];
}

export function removalOf({ storeKey, eventId }: EventRef, holds: ShownRecord, nowMs: number): Removal {
  const { state, owner, revision } = holds;
  if (state === "committed") {
    return {
      verb: "Clear",
      storeKey,
      revision,
      title: `Let ${eventId} fire again?`,
      consequences: [
        `The store forgets that ${owner} dispatched it ${span(Math.max(0, nowMs - holds.atMs))} ago.`,
        "Nothing is dispatched now. The next delivery is, even if it is a duplicate.",
        "This cannot be undone.",
      ],
    };
  }
  return {
    verb: "Release",
    storeKey,
    revision,
    title: `Take ${eventId} from ${owner}?`,
    consequences: [
      "The next delivery is dispatched at once, on whichever replica it comes to.",
      `If the handler on ${owner} still runs, the event runs twice. It is told to stop when it next renews its lease.`,
      `If ${owner} is gone, nothing is lost by it: the lease would have ended by itself.`,
    ],
  };
}
