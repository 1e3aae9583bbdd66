import type { DedupKeyContext, DedupKeyEvent, DedupKeyInput } from "../../machines/dedup-key.ts";
import type { DeliveryContext, DeliveryInput } from "../../machines/delivery.ts";
import { dedupKeyMachine, deliveryMachine } from "../../machines/index.ts";

const booleans = [false, true];
const revisions = [0, 1, 2, 3];

/** Every event of the dedup-key machine, with revisions up to 3 and attempts up to 2. */
export const dedupKeyEvents: readonly DedupKeyEvent[] = [
  ...revisions.flatMap((revision): DedupKeyEvent[] => [
    ...booleans.flatMap((late): DedupKeyEvent[] => [
      { type: "write.acked", revision, late },
      { type: "found.own.reservation", revision, late },
    ]),
    { type: "found.own.commit", revision },
    { type: "found.commit", revision },
    ...booleans.flatMap((ended): DedupKeyEvent[] => [
      { type: "found.reservation", revision, attempt: 1, ended },
      { type: "found.reservation", revision, attempt: 2, ended },
    ]),
  ]),
  ...booleans.map((ambiguous): DedupKeyEvent => ({ type: "store.unreachable", ambiguous })),
  ...booleans.map((exhausted): DedupKeyEvent => ({ type: "retry.due", exhausted })),
  { type: "write.conflicted" },
  { type: "removed" },
  { type: "unremovable" },
  { type: "found.nothing" },
  { type: "found.cleared" },
  { type: "store.broken" },
  { type: "handler.succeeded" },
  { type: "handler.failed" },
  { type: "renewal.due" },
  { type: "lease.ended" },
  { type: "shutdown" },
];

export const dedupKeyWorld = {
  machine: dedupKeyMachine,
  inputs: booleans.map((mayDispatchUnprotected): DedupKeyInput => ({ mayDispatchUnprotected, attempt: 1 })),
  events: dedupKeyEvents,
  /** Omits the fields that no guard reads. */
  seen: (context: DedupKeyContext) => ({ ...context, expected: 0, attempt: 0, fence: 0 }),
};

/** Fields of an event of the delivery machine, for each combination that its guards distinguish. */
function fieldsOf(type: string): readonly object[] {
  if (type === "limit.changed") return booleans.map((isLast) => ({ isLast }));
  if (type !== "dispatch.failed") return [{}];
  return [1, 3].flatMap((failures) =>
    booleans.flatMap((permanent) => booleans.map((distant) => ({ failures, permanent, distant }))),
  );
}

export const deliveryWorld = {
  machine: deliveryMachine,
  inputs: booleans.map((isLast): DeliveryInput => ({ maxDeliver: 3, isLast })),
  events: deliveryMachine.events.flatMap((type) => fieldsOf(type).map((fields) => ({ type, ...fields }))),
  seen: (context: DeliveryContext) => context,
};
