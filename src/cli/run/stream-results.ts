import type { CommitOutcome } from "../../model/decision.ts";
import type { Audit } from "../../nats/index.ts";
import { messageOf } from "../terminal/sentences.ts";
import { isDoubtful } from "./results.ts";

/** How one delivery of a message ended. */
export type DeliveryResult = {
  /** The message's number in the stream. */
  readonly sequence: number;
  /** How often it was delivered so far. */
  readonly deliveries: number;
  /** Missing when the message has none. */
  readonly eventId?: string;
  readonly key?: string;
} & (
  | { readonly outcome: "dispatched"; readonly commit: CommitOutcome; readonly attempt: number }
  | { readonly outcome: "duplicate" }
  /** It comes back after `delayMs`, but not when it is `lost`. Without a reason nothing went wrong: it was not its turn. */
  | { readonly outcome: "put-back"; readonly delayMs: number; readonly lost: boolean; readonly reason?: string }
  /** It was terminated; a copy is among the dead letters, if the run has any. */
  | { readonly outcome: "dead-lettered"; readonly reason: string }
);

/** How many deliveries ended how. */
export interface StreamTally {
  readonly deliveries: number;
  readonly dispatched: number;
  readonly retried: number;
  readonly doubtful: number;
  readonly duplicates: number;
  readonly putBack: number;
  readonly deadLettered: number;
  readonly lost: number;
}

export const emptyStreamTally: StreamTally = {
  deliveries: 0,
  dispatched: 0,
  retried: 0,
  doubtful: 0,
  duplicates: 0,
  putBack: 0,
  deadLettered: 0,
  lost: 0,
};

export function countedDelivery(tally: StreamTally, result: DeliveryResult): StreamTally {
  const next = { ...tally, deliveries: tally.deliveries + 1 };
  switch (result.outcome) {
    case "dispatched":
      return {
        ...next,
        dispatched: next.dispatched + 1,
        retried: next.retried + (result.attempt > 1 ? 1 : 0),
        doubtful: next.doubtful + (isDoubtful(result.commit) ? 1 : 0),
      };
    case "duplicate":
      return { ...next, duplicates: next.duplicates + 1 };
    case "put-back":
      return { ...next, putBack: next.putBack + 1, lost: next.lost + (result.lost ? 1 : 0) };
    case "dead-lettered":
      return { ...next, deadLettered: next.deadLettered + 1 };
  }
}

/** Whether every event that was taken ended well, or comes back. */
export function streamEndedWell(tally: StreamTally): boolean {
  return tally.deadLettered + tally.lost + tally.doubtful === 0;
}

/** Puts together what is audited of a delivery step by step. */
export class DeliveryResults {
  /** Why the dispatches that are about to be put back or dead-lettered failed, by the message's number. */
  readonly #reasons = new Map<number, string>();

  /** The result, when the step was the delivery's last. */
  take(audit: Audit): DeliveryResult | undefined {
    if (!("sequence" in audit)) return undefined;
    const { sequence, deliveries, identity } = audit;
    const fields = {
      sequence,
      deliveries,
      ...(identity === undefined ? {} : { eventId: identity.eventId, key: identity.key }),
    };
    switch (audit.type) {
      case "trigger.dispatched":
        return { ...fields, outcome: "dispatched", commit: audit.commit, attempt: audit.attempt };
      case "trigger.deduped":
        return { ...fields, outcome: "duplicate" };
      case "trigger.dispatch.failed":
      case "trigger.refused":
        this.#reasons.set(sequence, messageOf(audit.error));
        return undefined;
      case "trigger.nakked": {
        const { delayMs, lost } = audit;
        const reason = this.#takeReason(sequence);
        return { ...fields, outcome: "put-back", delayMs, lost, ...(reason === undefined ? {} : { reason }) };
      }
      case "trigger.dead-lettered": {
        const reason =
          this.#takeReason(sequence) ?? (audit.error === undefined ? audit.reason : messageOf(audit.error));
        return { ...fields, outcome: "dead-lettered", reason };
      }
      case "trigger.dead-letter.failed":
      case "trigger.ack.unconfirmed":
        return undefined;
    }
  }

  #takeReason(sequence: number): string | undefined {
    const reason = this.#reasons.get(sequence);
    this.#reasons.delete(sequence);
    return reason;
  }
}
