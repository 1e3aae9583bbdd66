import type { Deduplicator } from "../../deduplicator.ts";
import type { BackoffRange } from "../../internal/backoff.ts";
import { abortSignal, callable, objectWith, text, wholeNumber } from "../../internal/validate.ts";
import type { Reservation } from "../../model/decision.ts";
import type { ResolvedIdentity } from "../../model/identity.ts";
import type { Telemetry } from "../../model/telemetry.ts";
import { publishableSubject } from "../wire/subject.ts";
import type { Audit } from "./audit.ts";
import { DEFAULT_CONCURRENCY, DEFAULT_MAX_DELIVER, MAX_CONCURRENCY } from "./consume-limits.ts";
import type { DeadLetterOptions } from "./dead-letter.ts";
import { type Identify, identifyEvent } from "./identify.ts";
import { type PriorityGroup, resolveGroup } from "./priority-group.ts";
import type { ReceivedMessage } from "./received-message.ts";
import { resolveScheduledRetries, type ScheduledRetries, type ScheduledRetriesOptions } from "./scheduled-retry.ts";

/** Context of one dispatch. */
export interface DispatchContext {
  /** Identity of the event. */
  readonly identity: ResolvedIdentity;
  /** Send its `key` downstream as the idempotency key, and its `fence` to receivers that can refuse a late writer. */
  readonly reservation: Reservation;
  /** Aborts when the reservation is lost, and when the consumer's drain time is over. */
  readonly signal: AbortSignal;
}

/** A message that is acknowledged without a dispatch. */
export interface DuplicateMessage {
  /** The message. */
  readonly message: ReceivedMessage;
  /** Identity of the event. */
  readonly identity: ResolvedIdentity;
  /** Time of the commit, in milliseconds since 1970; of the end of the dispatch if its commit was unconfirmed. */
  readonly committedAt: number;
  /** End of the window, in milliseconds since 1970: copies that arrive later are dispatched again. `undefined` if not known. */
  readonly windowEndsAtMs: number | undefined;
  /** Kept result of the dispatch; `undefined` without one. */
  readonly value: unknown;
}

/** Dispatches one message. If it throws, the message is redelivered; a {@link PermanentError} makes it a dead letter. */
export type Dispatch = (message: ReceivedMessage, context: DispatchContext) => unknown;

/** Pauses before a message is redelivered, in milliseconds: `firstMs`, then twice as long each time, up to `longestMs`. */
export type Backoff = BackoffRange;

/** Options of {@link consume}. */
export interface ConsumeOptions {
  /** Stays open when the consumer stops: it may be shared. */
  readonly dedup: Deduplicator;
  /** Dispatches one message under its reservation. */
  readonly dispatch: Dispatch;
  /** Returns the identity of a message. @default {@link identifyEvent} */
  readonly identify?: Identify;
  /** The subscription that the events are dispatched for. @default "<stream>/<consumer>" */
  readonly subscriptionId?: string;
  /**
   * Returns a hash of the payload. An event that arrives again with another hash becomes a dead letter, and so does a message for which
   * it throws.
   */
  readonly fingerprint?: (message: ReceivedMessage) => string;
  /**
   * Returns the ordering key of a message. Messages with one key are dispatched one at a time, in the order of the stream. Those with
   * other keys run at the same time. The order holds within this replica, and until a dispatch fails: later messages do not wait
   * for a redelivery. A message for which it throws becomes a dead letter.
   */
  readonly orderBy?: (message: ReceivedMessage) => string;
  /** Priority group of this replica, for a consumer with `priority_groups`. @default none */
  readonly group?: PriorityGroup;
  /** Maximum number of messages in progress, from 1 to 10,000. No more are fetched. @default 10 */
  readonly concurrency?: number;
  /**
   * Number of failed dispatches after which a message becomes a dead letter, at least 1. Each process counts its own, because the
   * server reports only how often it delivered a message, not what became of it. @default 10
   */
  readonly maxDeliver?: number;
  /** Pauses after a failed dispatch, while the store is unreachable, and while a dead letter cannot be stored. @default 1 s to 60 s */
  readonly backoffMs?: Backoff;
  /** Lets the stream keep retries after a long pause. Needs server 2.12. @default every failed message is nak'd */
  readonly scheduledRetries?: ScheduledRetriesOptions;
  /** Destination of dead letters. Without it, messages that cannot be dispatched are terminated without a copy. */
  readonly deadLetter?: DeadLetterOptions;
  /** Stops the consumer, like `stop()`. */
  readonly signal?: AbortSignal;
  /** Traces deliveries, and counts dead letters: the result of `instrument` in `latchkey/otel`. */
  readonly telemetry?: Telemetry;
  /**
   * Receives each message whose event was dispatched earlier, with the result of that dispatch if the deduplicator keeps results. If
   * it throws, that is an uncaught exception and changes nothing here.
   */
  readonly onDuplicate?: (duplicate: DuplicateMessage) => void;
  /** Receives a record of everything that happens. If it throws, that is an uncaught exception and changes nothing here. */
  readonly onAudit?: (audit: Audit) => void;
}

export interface ResolvedConsumeOptions {
  readonly dedup: Deduplicator;
  readonly dispatch: Dispatch;
  readonly identify: Identify;
  readonly subscriptionId: string | undefined;
  readonly fingerprint: ((message: ReceivedMessage) => string) | undefined;
  readonly orderBy: ((message: ReceivedMessage) => string) | undefined;
  readonly group: PriorityGroup | undefined;
  readonly concurrency: number;
  readonly maxDeliver: number;
  readonly backoffMs: Backoff;
  readonly scheduledRetries: ScheduledRetries | undefined;
  readonly deadLetter: DeadLetterOptions | undefined;
  readonly signal: AbortSignal | undefined;
  readonly telemetry: Telemetry | undefined;
  readonly onDuplicate: (duplicate: DuplicateMessage) => void;
  readonly onAudit: ((audit: Audit) => void) | undefined;
}

const DEFAULT_BACKOFF: Backoff = { firstMs: 1_000, longestMs: 60_000 };

/**
 * Fills in defaults.
 * @throws {TypeError | RangeError} naming the first invalid option.
 */
export function resolveConsumeOptions(options: ConsumeOptions): ResolvedConsumeOptions {
  objectWith("options", options);
  const {
    dedup,
    dispatch,
    identify = identifyEvent,
    subscriptionId,
    fingerprint,
    orderBy,
    deadLetter,
    signal,
    telemetry,
    onAudit,
  } = options;
  const { onDuplicate = () => {} } = options;
  objectWith("dedup", dedup, "guard");
  callable("dispatch", dispatch);
  callable("identify", identify);
  if (onAudit !== undefined) callable("onAudit", onAudit);
  if (telemetry !== undefined) objectWith("telemetry", telemetry, "trace", "deadLettered");
  callable("onDuplicate", onDuplicate);
  if (fingerprint !== undefined) callable("fingerprint", fingerprint);
  if (orderBy !== undefined) callable("orderBy", orderBy);
  return {
    dedup,
    dispatch,
    identify,
    subscriptionId: subscriptionId === undefined ? undefined : text("subscriptionId", subscriptionId),
    fingerprint,
    orderBy,
    group: options.group === undefined ? undefined : resolveGroup(options.group),
    concurrency: wholeNumber("concurrency", options.concurrency ?? DEFAULT_CONCURRENCY, 1, MAX_CONCURRENCY),
    maxDeliver: wholeNumber("maxDeliver", options.maxDeliver ?? DEFAULT_MAX_DELIVER, 1),
    backoffMs: resolveBackoff(options.backoffMs ?? DEFAULT_BACKOFF),
    scheduledRetries:
      options.scheduledRetries === undefined ? undefined : resolveScheduledRetries(options.scheduledRetries),
    deadLetter: deadLetter === undefined ? undefined : resolveDeadLetter(deadLetter),
    signal: signal === undefined ? undefined : abortSignal("signal", signal),
    telemetry,
    onDuplicate,
    onAudit,
  };
}

function resolveBackoff(backoff: Backoff): Backoff {
  objectWith("backoffMs", backoff);
  const firstMs = wholeNumber("backoffMs.firstMs", backoff.firstMs, 1);
  return { firstMs, longestMs: wholeNumber("backoffMs.longestMs", backoff.longestMs, firstMs) };
}

function resolveDeadLetter(deadLetter: DeadLetterOptions): DeadLetterOptions {
  objectWith("deadLetter", deadLetter);
  const subject = publishableSubject("deadLetter.subject", deadLetter.subject);
  const { jetstream } = deadLetter;
  objectWith("deadLetter.jetstream", jetstream, "publish", "jetstreamManager");
  return { subject, jetstream };
}
