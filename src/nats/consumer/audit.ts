import type { DeadLetterReason, LetterContent, NakDelay } from "../../../machines/delivery.ts";
import type { CommitOutcome } from "../../model/decision.ts";
import type { ResolvedIdentity } from "../../model/identity.ts";
import type { ConsumerFinding } from "./consumer-finding.ts";
import type { SettingChange } from "./setting-change.ts";

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
  /** Number of deliveries of the message by the server, counting from 1. */
  readonly deliveries: number;
  /** Missing if the message has no readable identity. */
  readonly identity?: ResolvedIdentity;
}

/** A record of what happened to a message or to the consumer. It never contains a payload. */
export type Audit = (MessageFields & MessageAudit) | (ConsumerFields & ConsumerAudit);

/** A record of what happened to a message. */
export type MessageAudit =
  /** The dispatch returned. With `error`, the commit is unconfirmed, or it was committed without the result. */
  | {
      readonly type: "trigger.dispatched";
      readonly commit: CommitOutcome;
      readonly attempt: number;
      readonly fence: number;
      readonly unprotected: boolean;
      readonly error?: unknown;
    }
  /** The event was dispatched and committed earlier. */
  | { readonly type: "trigger.deduped"; readonly committedAt: number }
  /** The dispatch threw. */
  | {
      readonly type: "trigger.dispatch.failed";
      readonly attempt: number;
      /** Failed dispatches of the message in this process. At `maxDeliver` it becomes a dead letter. */
      readonly failures: number;
      /** Deliveries that this process did not see, such as those to other replicas. They do not count as failures. */
      readonly unseen: number;
      readonly permanent: boolean;
      readonly error: unknown;
    }
  /** Nothing was dispatched: the store was unreachable, or its answer was unreadable. */
  | { readonly type: "trigger.refused"; readonly error: unknown }
  /** The message was nak'd: the server redelivers it after `delayMs`. With `lost` it was the server's last delivery. */
  | {
      readonly type: "trigger.nakked";
      readonly delay: NakDelay;
      readonly delayMs: number;
      readonly lost: boolean;
    }
  /** The stream has stored a copy of the message, which it delivers after `delayMs`. The message itself is acknowledged. */
  | { readonly type: "trigger.retry.scheduled"; readonly delayMs: number }
  /** No copy could be scheduled, so the message is nak'd. */
  | { readonly type: "trigger.schedule.failed"; readonly error: unknown }
  /** The message was terminated. Its dead letter is stored under `deadLetterSubject`. */
  | {
      readonly type: "trigger.dead-lettered";
      readonly reason: DeadLetterReason;
      /** Content of the dead letter; `none` if the consumer has no dead-letter subject. */
      readonly copy: LetterContent | "none";
      readonly deadLetterSubject?: string;
      readonly error?: unknown;
    }
  /** The dead letter could not be stored. It is retried, and the event is not dispatched again. */
  | { readonly type: "trigger.dead-letter.failed"; readonly reason: DeadLetterReason; readonly error: unknown }
  /** The message was terminated although its dead letter could not be stored. Only the stream may still hold the message. */
  | {
      readonly type: "trigger.dead-letter.lost";
      readonly reason: DeadLetterReason;
      /** Why the dead letter could not be stored. */
      readonly letterError: unknown;
      /** Why the message became a dead letter. */
      readonly error?: unknown;
    }
  /**
   * It is unknown whether the server has the acknowledgement. If not, the message is redelivered as a duplicate. With `refused`, the
   * connection may not publish acknowledgements, so every message is redelivered.
   */
  | { readonly type: "trigger.ack.unconfirmed"; readonly refused: boolean; readonly error?: unknown }
  /**
   * The server redelivered a message that was terminated earlier. The termination was lost, or the connection may not publish it. It
   * is repeated; the event is not dispatched.
   */
  | { readonly type: "trigger.termination.lost" };

/** A record of what happened to the consumer. */
export type ConsumerAudit =
  /** A check, at the start or later, advises against a setting of the consumer. */
  | { readonly type: "trigger.consumer.warning"; readonly finding: ConsumerFinding }
  /** An operator changed the consumer. The new settings are obeyed, unless `trigger.consumer.lost` follows. */
  | { readonly type: "trigger.consumer.changed"; readonly changes: readonly SettingChange[] }
  /** A request for messages failed. It is retried. */
  | { readonly type: "trigger.pull.failed"; readonly error: unknown }
  /** No more messages will come: the consumer is gone or misconfigured, or the connection or the deduplicator is closed. */
  | { readonly type: "trigger.consumer.lost"; readonly error: unknown };

/** The name of an audit. */
export type AuditType = Audit["type"];
