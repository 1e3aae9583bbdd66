import type { ShownRecord } from "../../server/wire.ts";
import type { EventRef } from "../../trace/trace-event.ts";
import { span } from "./formats.ts";

/** A removal that waits for confirmation, with its consequences. */
export interface PendingRemoval {
  readonly verb: "Release" | "Clear";
  readonly storeKey: string;
  /** The removal applies only to this revision. */
  readonly revision: number;
  readonly title: string;
  readonly consequences: readonly string[];
}

export function removalOf({ storeKey, eventId }: EventRef, holds: ShownRecord, nowMs: number): PendingRemoval {
  const { state, owner, revision } = holds;
  if (state === "committed") {
    return {
      verb: "Clear",
      storeKey,
      revision,
      title: `Let ${eventId} fire again?`,
      consequences: [
        `The store forgets that ${owner} dispatched it ${span(Math.max(0, nowMs - holds.atMs))} ago.`,
        "Nothing is dispatched now. The next delivery is dispatched, even if it is a duplicate.",
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
      "The next delivery is dispatched at once, on any replica.",
      `If the handler on ${owner} is still running, the event runs twice. The handler is aborted at its next renewal.`,
      `If ${owner} is gone, this only saves time: the key is freed anyway when its lease ends.`,
    ],
  };
}
