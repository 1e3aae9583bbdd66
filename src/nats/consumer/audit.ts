import type { DeadLetterReason, PutBackAfter } from "../../../machines/delivery.ts";
import type { CommitOutcome } from "../../model/decision.ts";
import type { ResolvedIdentity } from "../../model/identity.ts";
import type { ConsumerFinding } from "./start-up-check.ts";

interface ConsumerFields {
  readonly stream: string;
  readonly consumer: string;
  /** Milliseconds since 1970, by this replica's wall clock. */
  readonly atMs: number;
}

interface MessageFields extends ConsumerFields {
  readonly subject: string;
  /** The message's sequence in the stream. */
  readonly sequence: number;
  /** How often the server has delivered the message, counting from 1. */
  readonly deliveries: number;
  /** Missing when the message has none that can be read. */
  readonly identity?: ResolvedIdentity;
}

/** What became of a message, or of the consumer itself. Never a payload. */
export type Audit = (MessageFields & MessageAudit) | (ConsumerFields & ConsumerAudit);

/** What became of a message. */
export type MessageAudit =
  /** The dispatch returned. With `error` the commit is not known for sure, or stands without the result. */
  | {
      readonly type: "trigger.dispatched";
      readonly commit: CommitOutcome;
      readonly attempt: number;
      readonly fence: number;
      readonly unprotected: boolean;
      readonly error?: unknown;
    }
  /** The event was dispatched and committed before. */
  | { readonly type: "trigger.deduped"; readonly committedAt: number }
  /** The dispatch threw. */
  | {
      readonly type: "trigger.dispatch.failed";
      readonly attempt: number;
      /** How many dispatches of the message have failed, as far as this replica knows; with `maxDeliver` it is given up. */
      readonly failures: number;
      readonly permanent: boolean;
      readonly error: unknown;
    }
  /** Nothing was dispatched: the store was out of reach, or could not be understood. */
  | { readonly type: "trigger.refused"; readonly error: unknown }
  /** The message comes back after `delayMs`; `lost` when the server has delivered it for the last time, and it does not. */
  | {
      readonly type: "trigger.put-back";
      readonly after: PutBackAfter;
      readonly delayMs: number;
      readonly lost: boolean;
    }
  /** The message was terminated; a copy is kept under the subject `keptAs`, or none without one. */
  | {
      readonly type: "trigger.dead-lettered";
      readonly reason: DeadLetterReason;
      readonly keptAs?: string;
      readonly error?: unknown;
    }
  /** The copy could not be stored: the message was not terminated. */
  | { readonly type: "trigger.dead-letter.failed"; readonly reason: DeadLetterReason; readonly error: unknown }
  /** Nobody knows whether the server has the acknowledgement: if not, the message comes back as a duplicate. */
  | { readonly type: "trigger.ack.unconfirmed"; readonly error?: unknown };

/** What became of the consumer. */
export type ConsumerAudit =
  /** Something about the consumer that the start-up check advises against. */
  | { readonly type: "trigger.consumer.warning"; readonly finding: ConsumerFinding }
  /** No messages could be asked for; it is tried again. */
  | { readonly type: "trigger.pull.failed"; readonly error: unknown }
  /** No messages will come any more: the consumer is gone, or the connection or the deduplicator is closed. */
  | { readonly type: "trigger.consumer.lost"; readonly error: unknown };

/** The names of everything that is audited. */
export type AuditType = Audit["type"];
