import { counted } from "../../../internal/counted.ts";
import type { MatchingKey, ShownRecord } from "../../server/wire.ts";
import type { KeyedIdentity } from "../../trace/trace-event.ts";
import type { BulkAction, StepResult } from "./bulk-action.ts";
import { shortName, span } from "./formats.ts";
import type { RequestResult } from "./request-result.ts";

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

type Remove = (keys: readonly RemovableKey[]) => Promise<RequestResult<RemovalCounts>>;

/** Returns the clearing of one key, to confirm. */
export function clearOne(
  { storeKey, eventId }: KeyedIdentity,
  { state, owner, revision, atMs }: ShownRecord,
  nowMs: number,
  remove: Remove,
): BulkAction {
  const isReserved = state === "reserved";
  return {
    title: `Clear ${shortName(eventId)}${isReserved ? `, held by ${shortName(owner)}` : ""}?`,
    consequences: isReserved
      ? [
          ...consequencesOf("reserved", "the event"),
          `If ${owner} is gone, this only saves time: the key is free anyway when its lease ends.`,
        ]
      : [
          `The store forgets that ${owner} dispatched it ${span(Math.max(0, nowMs - atMs))} ago.`,
          ...consequencesOf("committed", "the event"),
        ],
    ...clearingOf([{ storeKey, revision }], remove),
  };
}

/**
 * Returns the clearing of many keys, to confirm. Reserved keys stay unless `withReserved` is set, and then only they are cleared: their
 * handlers run, and their events may run twice.
 */
export function clearMany(
  keys: readonly MatchingKey[],
  { withReserved, isFiltered }: { readonly withReserved: boolean; readonly isFiltered: boolean },
  remove: Remove,
): BulkAction {
  const chosen = keys.filter(({ state }) => (state === "reserved") === withReserved);
  const others = keys.length - chosen.length;
  const hidden =
    withReserved || others === 0
      ? []
      : [
          `${counted(others, "reserved key")} ${others === 1 ? "stays, because its handler runs" : "stay, because their handlers run"}. To clear reserved keys, set the filter to reserved.`,
        ];
  return {
    title: `Clear ${counted(chosen.length, withReserved ? "reserved key" : "key")}?`,
    consequences: [
      ...(isFiltered ? [] : ["No filter is set, so this concerns the whole store."]),
      ...consequencesOf(withReserved ? "reserved" : "committed", "each event"),
      ...hidden,
    ],
    ...clearingOf(
      chosen.map(({ identity: { storeKey }, revision }) => ({ storeKey, revision })),
      remove,
    ),
  };
}

const CHANGED = "A key that has changed since it was listed stays.";

function consequencesOf(state: ShownRecord["state"], events: string): readonly string[] {
  if (state === "reserved") {
    return [
      `The next delivery of ${events} is dispatched at once, on any replica.`,
      "A handler that still runs is aborted at its next renewal, and its event runs twice.",
      CHANGED,
    ];
  }
  return [
    `Nothing is dispatched now. The next delivery of ${events} is dispatched, even if it is a duplicate.`,
    CHANGED,
    "This cannot be undone.",
  ];
}

/** Number of keys per request. After each request, the server invalidates the caches of all replicas, which takes 2 s. */
const BATCH = 60;
/** A browser opens six connections to one host, and the feed needs one. */
const REQUESTS_AT_ONCE = 4;

function clearingOf(keys: readonly RemovableKey[], remove: Remove): Omit<BulkAction, "title" | "consequences"> {
  const batches = Array.from({ length: Math.ceil(keys.length / BATCH) }, (_, index) =>
    keys.slice(index * BATCH, (index + 1) * BATCH),
  );
  return {
    verb: "Clear",
    done: "cleared",
    size: keys.length,
    atOnce: REQUESTS_AT_ONCE,
    steps: batches.map((batch) => async (): Promise<StepResult> => {
      const reply = await remove(batch);
      if (!reply.ok) return reply;
      const { removed, changed } = reply.value;
      return { ok: true, done: removed, left: changed, note: CHANGED };
    }),
  };
}
