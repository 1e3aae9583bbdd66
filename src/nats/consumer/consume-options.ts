import type { Deduplicator } from "../../deduplicator.ts";
import { abortSignal, callable, expected, objectWith, text, wholeNumber } from "../../internal/validate.ts";
import type { Reservation } from "../../model/decision.ts";
import type { ResolvedIdentity } from "../../model/identity.ts";
import type { Audit } from "./audit.ts";
import type { DeadLetterOptions } from "./dead-letter.ts";
import { type Identify, identifyEvent, type ReceivedMessage } from "./identify.ts";

/** What a dispatch is given beside the message. */
export interface DispatchContext {
  readonly identity: ResolvedIdentity;
  /** Send its `key` downstream as the idempotency key, and its `fence` where a late writer can be refused. */
  readonly reservation: Reservation;
  /** Aborts when the reservation is lost, and when the consumer's time to finish is over. */
  readonly signal: AbortSignal;
}

/** Dispatches one message; when it throws, the message comes back, and with a {@link PermanentError} becomes a dead letter. */
export type Dispatch = (message: ReceivedMessage, context: DispatchContext) => unknown;

/** The pauses before a message comes back: `firstMs` at first, then twice as long each time, up to `longestMs`. */
export interface Backoff {
  readonly firstMs: number;
  readonly longestMs: number;
}

/** How {@link consume} works. */
export interface ConsumeOptions {
  /** Stays open when the consumer stops: it may be shared. */
  readonly dedup: Deduplicator;
  readonly dispatch: Dispatch;
  /** @default identifyEvent */
  readonly identify?: Identify;
  /** Which subscription the events are for. @default "<stream>/<consumer>" */
  readonly subscriptionId?: string;
  /** A hash of the payload: the same event with another one becomes a dead letter. */
  readonly fingerprint?: (message: ReceivedMessage) => string;
  /** How many messages are held and worked on at once, at least 1. No more are asked for. @default 10 */
  readonly concurrency?: number;
  /**
   * After how many dispatches that threw a message becomes a dead letter, at least 1. What was put back without a dispatch does
   * not count, as far as this replica knows: the server tells only how often it has delivered a message, and of the deliveries to
   * others a replica takes the share to have failed that failed of its own. @default 10
   */
  readonly maxDeliver?: number;
  /** How long a message stays away when its dispatch threw or the store was out of reach. @default 1 s to 60 s */
  readonly backoffMs?: Backoff;
  /** Without it, messages that cannot be dispatched are terminated and no copy is kept. */
  readonly deadLetter?: DeadLetterOptions;
  /** Stops the consumer, as `stop()` does. */
  readonly signal?: AbortSignal;
  /** Is told what becomes of every message. What it throws is an uncaught exception of the process, and changes nothing here. */
  readonly onAudit?: (audit: Audit) => void;
}

export interface ResolvedConsumeOptions {
  readonly dedup: Deduplicator;
  readonly dispatch: Dispatch;
  readonly identify: Identify;
  readonly subscriptionId: string | undefined;
  readonly fingerprint: ((message: ReceivedMessage) => string) | undefined;
  readonly concurrency: number;
  readonly maxDeliver: number;
  readonly backoff: Backoff;
  readonly deadLetter: DeadLetterOptions | undefined;
  readonly signal: AbortSignal | undefined;
  readonly onAudit: (audit: Audit) => void;
}

export const DEFAULT_CONCURRENCY = 10;
export const DEFAULT_MAX_DELIVER = 10;
const DEFAULT_BACKOFF: Backoff = { firstMs: 1_000, longestMs: 60_000 };
const MOST_AT_ONCE = 10_000;

/** @throws {TypeError | RangeError} that names the first option that is wrong. */
export function resolveConsumeOptions(options: ConsumeOptions): ResolvedConsumeOptions {
  objectWith("options", options);
  const { dedup, dispatch, identify = identifyEvent, subscriptionId, fingerprint, deadLetter, signal } = options;
  const { onAudit = () => {} } = options;
  objectWith("dedup", dedup, "guard");
  callable("dispatch", dispatch);
  callable("identify", identify);
  callable("onAudit", onAudit);
  if (fingerprint !== undefined) callable("fingerprint", fingerprint);
  return {
    dedup,
    dispatch,
    identify,
    subscriptionId: subscriptionId === undefined ? undefined : text("subscriptionId", subscriptionId),
    fingerprint,
    concurrency: wholeNumber("concurrency", options.concurrency ?? DEFAULT_CONCURRENCY, 1, MOST_AT_ONCE),
    maxDeliver: wholeNumber("maxDeliver", options.maxDeliver ?? DEFAULT_MAX_DELIVER, 1),
    backoff: resolveBackoff(options.backoffMs ?? DEFAULT_BACKOFF),
    deadLetter: deadLetter === undefined ? undefined : resolveDeadLetter(deadLetter),
    signal: signal === undefined ? undefined : abortSignal("signal", signal),
    onAudit,
  };
}

/** The pause after so many failures, at least 1; the same for the same number, so that it can be reckoned with. */
export function backoffAfter({ firstMs, longestMs }: Backoff, failures: number): number {
  return Math.min(longestMs, firstMs * 2 ** (failures - 1));
}

function resolveBackoff(backoff: Backoff): Backoff {
  objectWith("backoffMs", backoff);
  const firstMs = wholeNumber("backoffMs.firstMs", backoff.firstMs, 1);
  return { firstMs, longestMs: wholeNumber("backoffMs.longestMs", backoff.longestMs, firstMs) };
}

function resolveDeadLetter(deadLetter: DeadLetterOptions): DeadLetterOptions {
  objectWith("deadLetter", deadLetter);
  const subject = text("deadLetter.subject", deadLetter.subject);
  if (!/^[^\s.*>]+(\.[^\s.*>]+)*$/.test(subject)) {
    throw new TypeError(expected("deadLetter.subject", "a subject without wildcards", subject));
  }
  const { jetstream } = deadLetter;
  objectWith("deadLetter.jetstream", jetstream, "publish", "jetstreamManager");
  return { subject, jetstream };
}
