import type { CommitOutcome } from "../../src/model/decision.ts";
import type { Account } from "./campaign.ts";
import { deliveriesIn } from "./delivery-number.ts";
import type { Dispatch } from "./dispatches.ts";
import type { Finding } from "./verdict.ts";

type Dispatches = ReadonlyMap<string, readonly Dispatch[]>;

/** Every event that the stream has was dispatched, seen from both sides. */
export function lost({ published, deadLetters }: Account, dispatches: Dispatches): readonly Finding[] {
  const missing = [...published.keys()].filter(
    (event) => !dispatches.get(event)?.some(({ ended, endBooked }) => ended === "well" && endBooked !== undefined),
  );
  return [
    ...missing.map((event) => ({ rule: "lost", what: `${event} was published, and its effect never ended well` })),
    ...(deadLetters > 0 ? [{ rule: "lost", what: `${deadLetters} messages became dead letters` }] : []),
  ];
}

/**
 * Whoever has a lower fence was told to stop before the receiving side heard of a higher one: each look at the signal, one whole
 * turn of the event loop after that moment, must have found it aborted.
 */
export function overtaken(ofEvent: readonly Dispatch[]): readonly Finding[] {
  return ofEvent.flatMap((lower) =>
    ofEvent.flatMap(({ fence, beginBooked, process }): Finding[] => {
      if (fence <= lower.fence || beginBooked === undefined) return [];
      const taken = `${process} had begun ${lower.event} with fence ${fence}, as the endpoint saw at ${beginBooked.atMs}`;
      if (lower.turnMs > beginBooked.atMs) {
        return [{ rule: "G5", what: `${named(lower)} began after ${taken}` }];
      }
      const late = lower.looksMs.find((turnMs) => turnMs > beginBooked.atMs);
      if (late === undefined) return [];
      return [{ rule: "G6", what: `the signal of ${named(lower)} had not fired at ${late}, after ${taken}` }];
    }),
  );
}

/** Of an event that is dispatched once and for all, one success counts; what became of the others, {@link untold} asks. */
export function twice(ofEvent: readonly Dispatch[]): readonly Finding[] {
  const counted = ofEvent.filter(({ endBooked, commit }) => endBooked !== undefined && isCounted(commit));
  if (counted.length < 2) return [];
  return [{ rule: "twice", what: `${counted.map(named).join(" and ")} were all told that they count` }];
}

/**
 * Whoever was not killed knows how its effect ended, and what became of its commit; unless it was told to end, and its effect to
 * stop, which it did not.
 */
export function untold(
  ofEvent: readonly Dispatch[],
  died: ReadonlySet<string>,
  dismissed: ReadonlySet<string>,
): readonly Finding[] {
  return ofEvent
    .filter(({ process, told }) => !died.has(process) && !(told && dismissed.has(process)))
    .filter(({ ended, commit }) => ended === "never" || (ended === "well" && commit === undefined))
    .map((one) => ({ rule: "untold", what: `${named(one)} ended ${one.ended}, and was told nothing of its commit` }));
}

/** An attempt knows of at least as many before it as the transport does. */
export function miscounted(ofEvent: readonly Dispatch[]): readonly Finding[] {
  return ofEvent.flatMap((one): Finding[] => {
    const { attempt = 1, delivery = 1 } = one.beginBooked ?? {};
    const deliveries = deliveriesIn(delivery);
    if (attempt >= deliveries) return [];
    return [
      { rule: "attempt", what: `${named(one)} was attempt ${attempt}, in delivery ${deliveries} of its message` },
    ];
  });
}

/** Everything came to rest, and no process ended that nobody had told to. */
export function restless({ unacknowledged, endedByThemselves }: Account): readonly Finding[] {
  return [
    ...(unacknowledged > 0
      ? [{ rule: "G4", what: `${unacknowledged} messages were not acknowledged when all had been quiet for long` }]
      : []),
    ...(endedByThemselves > 0 ? [{ rule: "process", what: `${endedByThemselves} workers ended by themselves` }] : []),
  ];
}

function isCounted(commit: CommitOutcome | undefined): boolean {
  return commit === "confirmed" || commit === "adopted";
}

function named({ process, event, fence, effect }: Dispatch): string {
  return `${process}'s effect ${effect} for ${event} with fence ${fence}`;
}
