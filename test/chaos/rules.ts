import type { CommitOutcome } from "../../src/model/decision.ts";
import type { CampaignTotals } from "./campaign.ts";
import { deliveriesIn } from "./delivery-number.ts";
import type { Dispatch } from "./dispatches.ts";
import type { Violation } from "./judge.ts";

type Dispatches = ReadonlyMap<string, readonly Dispatch[]>;

/** Every published event was dispatched successfully, according to its process and to the endpoint. */
export function lost({ published, deadLetters }: CampaignTotals, dispatches: Dispatches): readonly Violation[] {
  const missing = [...published.keys()].filter(
    (event) => !dispatches.get(event)?.some(({ ended, endRequest }) => ended === "well" && endRequest !== undefined),
  );
  return [
    ...missing.map((event) => ({ rule: "lost", what: `${event} was published, but its effect never succeeded` })),
    ...(deadLetters > 0 ? [{ rule: "lost", what: `${deadLetters} messages became dead letters` }] : []),
  ];
}

/**
 * The signal of a lower fence fired before the endpoint received a higher fence. Each check of the signal that began after that
 * moment, and waited for a whole turn of the event loop, must have found it aborted.
 */
export function overtaken(ofEvent: readonly Dispatch[]): readonly Violation[] {
  return ofEvent.flatMap((lower) =>
    ofEvent.flatMap(({ fence, beginRequest, process }): Violation[] => {
      if (fence <= lower.fence || beginRequest === undefined) return [];
      const takeover = `${process} had begun ${lower.event} with fence ${fence}, which the endpoint saw at ${beginRequest.atMs}`;
      if (lower.turnMs > beginRequest.atMs) {
        return [{ rule: "G5", what: `${named(lower)} began after ${takeover}` }];
      }
      const late = lower.checksMs.find((turnMs) => turnMs > beginRequest.atMs);
      if (late === undefined) return [];
      return [{ rule: "G6", what: `the signal of ${named(lower)} had not fired at ${late}, after ${takeover}` }];
    }),
  );
}

/** Finds a second success that counts for an event that is dispatched once. {@link unreported} covers the others. */
export function countedTwice(ofEvent: readonly Dispatch[]): readonly Violation[] {
  const counted = ofEvent.filter(({ endRequest, commit }) => endRequest !== undefined && isCounted(commit));
  if (counted.length < 2) return [];
  return [{ rule: "twice", what: `${counted.map(named).join(" and ")} were all reported as committed` }];
}

/**
 * A process that was not killed learns how each effect ended and what became of its commit. The exception is a process that was
 * stopped while its effect ignored the signal.
 */
export function unreported(
  ofEvent: readonly Dispatch[],
  died: ReadonlySet<string>,
  stopped: ReadonlySet<string>,
): readonly Violation[] {
  return ofEvent
    .filter(({ process, signalFired }) => !died.has(process) && !(signalFired && stopped.has(process)))
    .filter(({ ended, commit }) => ended === "never" || (ended === "well" && commit === undefined))
    .map((one) => ({
      rule: "unreported",
      what: `${named(one)} ended ${one.ended}, and its process never learned the outcome of its commit`,
    }));
}

/** The attempt number is at least the delivery count of the message. */
export function miscounted(ofEvent: readonly Dispatch[]): readonly Violation[] {
  return ofEvent.flatMap((one): Violation[] => {
    const { attempt = 1, delivery = 1 } = one.beginRequest ?? {};
    const deliveries = deliveriesIn(delivery);
    if (attempt >= deliveries) return [];
    return [
      { rule: "attempt", what: `${named(one)} was attempt ${attempt}, in delivery ${deliveries} of its message` },
    ];
  });
}

/** Every message was acknowledged in the end, and no process crashed. */
export function unsettled({ unacknowledged, crashes }: CampaignTotals): readonly Violation[] {
  return [
    ...(unacknowledged > 0
      ? [{ rule: "G4", what: `${unacknowledged} messages were not acknowledged after a long time without faults` }]
      : []),
    ...(crashes > 0 ? [{ rule: "process", what: `${crashes} workers crashed` }] : []),
  ];
}

function isCounted(commit: CommitOutcome | undefined): boolean {
  return commit === "confirmed" || commit === "adopted";
}

function named({ process, event, fence, effect }: Dispatch): string {
  return `${process}'s effect ${effect} for ${event} with fence ${fence}`;
}
