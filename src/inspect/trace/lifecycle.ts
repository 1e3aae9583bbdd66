import type { TracedAttempt } from "./attempt.ts";
import type { TraceEvent } from "./trace-event.ts";

/** A transition of `machines/dedup-key.ts` as `<state> <event> <state>`, with dotted paths. */
export type TransitionId = string;

/** The transitions that the machine takes for a trace event. */
const paths = {
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

type Path = keyof typeof paths;

/** Every transition that a trace event can stand for. */
export const OBSERVED_TRANSITIONS: readonly TransitionId[] = Object.values(paths).flat();

/** Returns the dotted path of the machine state that an attempt is in. */
export function statePathOf({ hold, phase }: Pick<TracedAttempt, "hold" | "phase">): string {
  const parent = hold === "held" ? "reserved" : "expired";
  return phase === "running" ? `${parent}.dispatching` : `${parent}.${phase}`;
}

/**
 * Counts the machine's transitions from trace events. Where several paths lead to the same event, the usual path is counted.
 * Transitions without an event, such as the repetitions of a rejected claim, are not counted.
 */
export class Lifecycle {
  readonly #counts: Partial<Record<Path, number>> = {};

  /** @param before the attempt before the event. */
  take(event: TraceEvent, before: TracedAttempt | undefined): void {
    const late = before !== undefined && before.hold !== "held";
    switch (event.type) {
      case "reserved":
      case "unprotected":
      case "renewed":
      case "duplicate":
      case "pending":
        this.#count(event.type);
        return;
      case "dispatched":
        this.#count(late ? "succeededLate" : "succeeded");
        return;
      case "failed":
        this.#count(late ? "failedLate" : "failed");
        return;
      case "expired":
        this.#count(event.cause === "superseded" || event.cause === "shutdown" ? event.cause : "leaseEnded");
        return;
      case "committed":
        // The store alone does not show that the handler returned. The commit implies it.
        if (before?.phase === "running") this.#count(late ? "succeededLate" : "succeeded");
        this.#count(event.cause === "adopted" ? "adopted" : "confirmed");
        return;
      case "superseded":
        this.#count(late ? "tookOverLate" : "tookOver");
        return;
      case "unconfirmed":
        this.#count(late ? "unconfirmedLate" : "unconfirmed");
        return;
      case "released":
        if (before?.phase === "running") this.#count(late ? "failedLate" : "failed");
        if (event.cause === "") this.#count(late ? "removedLate" : "removed");
        else this.#count(late ? "leftLate" : "left");
        return;
      case "store-unavailable":
      case "result-not-kept":
      case "lapsed":
      case "cleared":
      case "delivered":
      case "began":
      case "acknowledged":
      case "nak":
      case "frozen":
      case "crashed":
      case "fault":
        return;
    }
  }

  /** Counts by transition, without transitions that were never taken. */
  get counts(): ReadonlyMap<TransitionId, number> {
    return new Map(
      Object.entries(paths).flatMap(([path, transitions]) => {
        const count = Object.entries(this.#counts).find(([name]) => name === path)?.[1];
        return count === undefined ? [] : transitions.map((transition): [TransitionId, number] => [transition, count]);
      }),
    );
  }

  #count(path: Path): void {
    this.#counts[path] = (this.#counts[path] ?? 0) + 1;
  }
}
