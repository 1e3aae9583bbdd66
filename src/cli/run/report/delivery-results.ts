import { errorMessage } from "../../../internal/error-message.ts";
import type { CommitOutcome } from "../../../model/decision.ts";
import type { Audit } from "../../../nats/index.ts";
import { isDoubtful } from "./doubt.ts";

/** Result of one delivery of a message. */
export type DeliveryResult = {
  /** Sequence of the message in the stream. */
  readonly sequence: number;
  /** Number of deliveries of the message, including this one. */
  readonly deliveries: number;
  /** Missing if the message has no identity. */
  readonly eventId?: string;
  readonly key?: string;
} & (
  | { readonly outcome: "dispatched"; readonly commit: CommitOutcome; readonly attempt: number }
  | { readonly outcome: "duplicate" }
  /** Negatively acknowledged: redelivered after `delayMs`, unless it is `lost`. Without a reason, the event was pending. */
  | { readonly outcome: "nak"; readonly delayMs: number; readonly lost: boolean; readonly reason?: string }
  /** Terminated. The dead-letter subject, if any, holds a copy. */
  | { readonly outcome: "dead-lettered"; readonly reason: string }
  /** Terminated without the dead letter, which could not be stored. */
  | { readonly outcome: "dead-letter-lost"; readonly reason: string }
);

/** Number of deliveries by outcome. */
export interface StreamTally {
  readonly deliveries: number;
  readonly dispatched: number;
  readonly retried: number;
  readonly doubtful: number;
  readonly duplicates: number;
  readonly naks: number;
  readonly deadLettered: number;
  readonly deadLettersLost: number;
  readonly lost: number;
}

export const emptyStreamTally: StreamTally = {
  deliveries: 0,
  dispatched: 0,
  retried: 0,
  doubtful: 0,
  duplicates: 0,
  naks: 0,
  deadLettered: 0,
  deadLettersLost: 0,
  lost: 0,
};

export function addDelivery(tally: StreamTally, result: DeliveryResult): StreamTally {
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
    case "nak":
      return { ...next, naks: next.naks + 1, lost: next.lost + (result.lost ? 1 : 0) };
    case "dead-lettered":
      return { ...next, deadLettered: next.deadLettered + 1 };
    case "dead-letter-lost":
      return { ...next, deadLettersLost: next.deadLettersLost + 1 };
  }
}

/** Returns true if every delivered event succeeded or will be redelivered. */
export function streamSucceeded(tally: StreamTally): boolean {
  return tally.deadLettered + tally.deadLettersLost + tally.lost + tally.doubtful === 0;
}

/** Combines the audit events of a delivery into its result. */
export class DeliveryResults {
  /** Reasons of failed dispatches whose nak or dead letter is not audited yet, by sequence. */
  readonly #reasons = new Map<number, string>();

  /** Adds an audit event. Returns the result if the event was the delivery's last. */
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
        this.#reasons.set(sequence, errorMessage(audit.error));
        return undefined;
      case "trigger.nakked": {
        const { delayMs, lost } = audit;
        const reason = this.#takeReason(sequence);
        return { ...fields, outcome: "nak", delayMs, lost, ...(reason === undefined ? {} : { reason }) };
      }
      case "trigger.dead-lettered": {
        const reason =
          this.#takeReason(sequence) ?? (audit.error === undefined ? audit.reason : errorMessage(audit.error));
        return { ...fields, outcome: "dead-lettered", reason };
      }
      case "trigger.dead-letter.lost":
        this.#reasons.delete(sequence);
        return { ...fields, outcome: "dead-letter-lost", reason: errorMessage(audit.letterError) };
      case "trigger.retry.scheduled":
      case "trigger.schedule.failed":
      case "trigger.dead-letter.failed":
      case "trigger.ack.unconfirmed":
      case "trigger.termination.lost":
        return undefined;
    }
  }

  #takeReason(sequence: number): string | undefined {
    const reason = this.#reasons.get(sequence);
    this.#reasons.delete(sequence);
    return reason;
  }
}
