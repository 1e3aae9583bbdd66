import type { Attempt } from "./attempt.ts";
import type { TraceEvent } from "./trace-event.ts";

/** A transition of `machines/dedup-key.ts`, as `<state> <event> <state>`, states by their path. */
export type TransitionId = string;

/** What the machine does at a step: one transition, or several one after the other. */
const ways = {
  reserved: ["unseen.claiming write.acked reserved"],
  unprotected: ["unseen.claiming store.unreachable expired"],
  duplicate: ["unseen found.commit committed"],
  pending: ["unseen found.reservation pending"],
  renewed: [
    "reserved.dispatching.running renewal.due reserved.dispatching.renewing",
    "reserved.dispatching.renewing write.acked reserved.dispatching.running",
  ],
  succeeded: ["reserved.dispatching handler.succeeded reserved.committing"],
  succeededLate: ["expired.dispatching handler.succeeded expired.committing"],
  failed: ["reserved.dispatching handler.failed reserved.releasing"],
  failedLate: ["expired.dispatching handler.failed expired.releasing"],
  leaseEnded: ["reserved.dispatching lease.ended expired"],
  superseded: ["reserved.dispatching found.reservation expired"],
  shutdown: ["reserved.dispatching shutdown expired.dispatching.removing"],
  confirmed: ["reserved.committing.writing write.acked committed"],
  adopted: ["expired.committing.writing write.acked committed"],
  tookOver: ["reserved.committing found.reservation superseded"],
  tookOverLate: ["expired.committing found.reservation superseded"],
  unconfirmed: ["reserved.committing.backingOff retry.due unconfirmed"],
  unconfirmedLate: ["expired.committing.backingOff retry.due unconfirmed"],
  removed: ["reserved.releasing.removing removed released"],
  removedLate: ["expired.releasing.removing removed released"],
  left: ["reserved.releasing store.unreachable released"],
  leftLate: ["expired.releasing store.unreachable released"],
} as const satisfies Record<string, readonly TransitionId[]>;

type Way = keyof typeof ways;

/** Every transition that a step can tell of. */
export const TOLD_TRANSITIONS: readonly TransitionId[] = Object.values(ways).flat();

/** Which state of the machine, by its path, a flight is in. */
export function stateOf({ hold, phase }: Pick<Attempt, "hold" | "phase">): string {
  const parent = hold === "held" ? "reserved" : "expired";
  return phase === "running" ? `${parent}.dispatching` : `${parent}.${phase}`;
}

/**
 * How often each transition of the machine was taken, as steps tell. Where several ways lead to the same step, and it does not say
 * which was taken, the usual one is counted; what no step tells, how a claim went on that was turned away, is not.
 */
export class Lifecycle {
  readonly #counts: Partial<Record<Way, number>> = {};

  /** @param before the flight as it was before the step. */
  take(step: TraceEvent, before: Attempt | undefined): void {
    const late = before !== undefined && before.hold !== "held";
    switch (step.type) {
      case "reserved":
      case "unprotected":
      case "renewed":
      case "duplicate":
      case "pending":
        this.#count(step.type);
        return;
      case "dispatched":
        this.#count(late ? "succeededLate" : "succeeded");
        return;
      case "failed":
        this.#count(late ? "failedLate" : "failed");
        return;
      case "expired":
        this.#count(step.cause === "superseded" || step.cause === "shutdown" ? step.cause : "leaseEnded");
        return;
      case "committed":
        // Who sees the store alone is not told that the handler returned: it is known once the key is settled.
        if (before?.phase === "running") this.#count(late ? "succeededLate" : "succeeded");
        this.#count(step.cause === "adopted" ? "adopted" : "confirmed");
        return;
      case "superseded":
        this.#count(late ? "tookOverLate" : "tookOver");
        return;
      case "unconfirmed":
        this.#count(late ? "unconfirmedLate" : "unconfirmed");
        return;
      case "released":
        if (before?.phase === "running") this.#count(late ? "failedLate" : "failed");
        if (step.cause === "") this.#count(late ? "removedLate" : "removed");
        else this.#count(late ? "leftLate" : "left");
        return;
      case "store-unavailable":
      case "result-not-kept":
      case "lapsed":
      case "cleared":
      case "delivered":
      case "began":
      case "acknowledged":
      case "put-back":
      case "frozen":
      case "crashed":
      case "fault":
        return;
    }
  }

  /** By transition; those that were never taken are left out. */
  get counts(): ReadonlyMap<TransitionId, number> {
    return new Map(
      Object.entries(ways).flatMap(([way, transitions]) => {
        const count = Object.entries(this.#counts).find(([name]) => name === way)?.[1];
        return count === undefined ? [] : transitions.map((transition): [TransitionId, number] => [transition, count]);
      }),
    );
  }

  #count(way: Way): void {
    this.#counts[way] = (this.#counts[way] ?? 0) + 1;
  }
}
