import { counted } from "../../../internal/counted.ts";
import type { MatchingKey, ShownRecord } from "../../server/wire.ts";
import type { EventRef } from "../../trace/trace-event.ts";
import type { BulkAction, StepResult } from "./bulk-action.ts";
import { shortName, span } from "./formats.ts";
import type { Reply } from "./reply.ts";

/** A key, and the revision to which its removal applies. */
export interface RemovableKey {
  readonly storeKey: string;
  readonly revision: number;
}

/** Result of a removal. Keys that changed since they were listed stay. */
export interface RemovalCounts {
  readonly removed: number;
  readonly changed: number;
}

/** A removal that waits for confirmation, with its consequences. */
export interface PendingRemoval extends RemovableKey {
  readonly verb: "Release" | "Clear";
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
      title: `Let ${shortName(eventId)} fire again?`,
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
    title: `Take ${shortName(eventId)} from ${shortName(owner)}?`,
    consequences: [
      "The next delivery is dispatched at once, on any replica.",
      `If the handler on ${owner} is still running, the event runs twice. The handler is aborted at its next renewal.`,
      `If ${owner} is gone, this only saves time: the key is freed anyway when its lease ends.`,
    ],
  };
}

/**
 * Returns the removal of many keys, to confirm. Reserved keys are left unless `withReserved` is set: their handlers run, and their
 * events may run twice.
 */
export function removalAction(
  keys: readonly MatchingKey[],
  withReserved: boolean,
  remove: (keys: readonly RemovableKey[]) => Promise<Reply<RemovalCounts>>,
  isFiltered: boolean,
): BulkAction {
  const chosen = keys.filter(({ state }) => (state === "reserved") === withReserved);
  const others = keys.length - chosen.length;
  const verb = withReserved ? "Release" : "Clear";
  return {
    title: `${verb} ${counted(chosen.length, "key")}?`,
    verb,
    done: withReserved ? "released" : "cleared",
    consequences: [
      ...(isFiltered ? [] : ["No filter is set, so this concerns the whole store."]),
      ...(withReserved
        ? [
            "The next deliveries are dispatched at once, on any replica.",
            "Handlers that still run are aborted at their next renewal, and their events run twice.",
          ]
        : [
            "Nothing is dispatched now. The next deliveries are dispatched, even if they are duplicates.",
            "A key that has changed since it was listed stays.",
            ...(others > 0
              ? [
                  `${counted(others, "reserved key")} ${others === 1 ? "stays, because its handler runs" : "stay, because their handlers run"}. To release reserved keys, set the filter to reserved.`,
                ]
              : []),
            "This cannot be undone.",
          ]),
    ],
    size: chosen.length,
    atOnce: REQUESTS_AT_ONCE,
    steps: batches(chosen.map(({ identity: { storeKey }, revision }) => ({ storeKey, revision }))).map(
      (batch) => async (): Promise<StepResult> => {
        const reply = await remove(batch);
        if (!reply.ok) return reply;
        const { removed, changed } = reply.value;
        return { ok: true, done: removed, left: changed, note: "Keys that changed since they were listed stay." };
      },
    ),
  };
}

/** Number of keys per request. After each request, the server invalidates the caches of all replicas, which takes 2 s. */
const BATCH = 60;
/** A browser opens six connections to one host, and the feed needs one. */
const REQUESTS_AT_ONCE = 4;

function batches(keys: readonly RemovableKey[]): readonly (readonly RemovableKey[])[] {
  return Array.from({ length: Math.ceil(keys.length / BATCH) }, (_, index) =>
    keys.slice(index * BATCH, (index + 1) * BATCH),
  );
}
