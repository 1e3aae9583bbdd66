import { assign } from "xstate";
import { chartSetup } from "./chart.ts";

/** Memory of one delivered message beside the machine's state. The consumer owns the message itself and all timers. */
export interface DeliveryContext {
  /** Number of failed dispatches after which the message becomes a dead letter. */
  readonly maxDeliver: number;
  /** True for the server's last delivery: it would silently drop a message that is nak'd. */
  readonly isLast: boolean;
  /** True after a force-stop: nothing waits any longer. */
  readonly isStopping: boolean;
  /** True once the handler has been called. */
  readonly wasDispatched: boolean;
  /** Reason of the dead letter, once there is one. */
  readonly deadLetterReason: DeadLetterReason | undefined;
  /** Content of the dead letter. */
  readonly letter: LetterContent;
  /** Number of failed attempts to store the dead letter. */
  readonly letterFailures: number;
}

export interface DeliveryInput {
  readonly maxDeliver: number;
  readonly isLast: boolean;
}

/**
 * Reason of a dead letter. The message has no readable identity, or one that the store cannot hold. Its dispatch will never succeed, or
 * failed too often. Its identity arrived earlier with another payload. Or the server's last delivery ended before a dispatch.
 */
export type DeadLetterReason =
  | "unidentifiable"
  | "identity-too-long"
  | "permanent-error"
  | "max-deliver"
  | "fingerprint-mismatch"
  | "last-delivery";

/** A dead letter contains the whole message, or, if that cannot be stored, only where the message is and why. */
export type LetterContent = "whole" | "without-body";

/** Number of attempts to store a whole dead letter: about 14 minutes with the default backoff. */
export const LETTER_ATTEMPTS = 20;

/** Copy of a terminated message: its dead letter is stored; there is no dead-letter subject; or the letter could not be stored. */
export type TerminatedCopy = "stored" | "disabled" | "lost";

/** Request that `retry.due` repeats: for the right to dispatch, or for the dead letter. */
export type Retried = "guard" | "dead-letter";

/** Delay before the server redelivers a nak'd message: none, until the pending reservation may have ended, or the backoff. */
export type NakDelay = "none" | "pending" | "backoff";

export type DeliveryEvent =
  /** The message got one of the consumer's slots. */
  | { readonly type: "slot.acquired" }
  | { readonly type: "identified" }
  | { readonly type: "unidentifiable" }
  /** This process terminated the message at an earlier delivery, but the server does not know it. */
  | { readonly type: "terminated.before" }
  /** This process still stores the dead letter of an earlier delivery, which will answer for the message. */
  | { readonly type: "answered.elsewhere" }
  /** The key is reserved, or the event is dispatched unprotected, and the handler was called. */
  | { readonly type: "dispatch.began" }
  /** The handler returned, whatever became of its commit. */
  | { readonly type: "dispatched" }
  /** An earlier dispatch of the event failed for good: the handler did not run. */
  | { readonly type: "failure.remembered" }
  /**
   * The handler threw; `permanent` if it will never succeed. `failures` counts failed dispatches, this one included. The retry is
   * `distant` if the stream can schedule it, and is asked to for so long a pause.
   */
  | {
      readonly type: "dispatch.failed";
      readonly permanent: boolean;
      readonly failures: number;
      readonly distant: boolean;
    }
  /** The stream has stored a copy that it delivers later. */
  | { readonly type: "retry.scheduled" }
  /** It is unknown whether the stream has stored the copy. */
  | { readonly type: "schedule.failed" }
  | { readonly type: "duplicate" }
  /** Another holder is dispatching the event. */
  | { readonly type: "pending" }
  /** The deduplicator could not decide: nothing was dispatched. */
  | { readonly type: "refused" }
  | { readonly type: "fingerprint.mismatched" }
  /** The identity is longer than the store accepts. */
  | { readonly type: "identity.too.long" }
  /** The server confirmed the acknowledgement. */
  | { readonly type: "ack.confirmed" }
  /** It is unknown whether the server has the acknowledgement. */
  | { readonly type: "ack.unconfirmed" }
  | { readonly type: "dead.letter.stored" }
  /** Storing the dead letter failed, and may succeed later. */
  | { readonly type: "dead.letter.failed" }
  /** The dead letter exceeds a limit of the server or of its stream. */
  | { readonly type: "dead.letter.too.large" }
  /** The consumer has no dead-letter subject. */
  | { readonly type: "dead.letter.disabled" }
  /** The server's `max_deliver` changed. */
  | { readonly type: "limit.changed"; readonly isLast: boolean }
  /** The pause before a retry is over. */
  | { readonly type: "retry.due" }
  /** The consumer begins nothing new; running dispatches may finish. */
  | { readonly type: "draining" }
  /** The drain time is over: running dispatches are aborted. */
  | { readonly type: "force.stop" }
  /** An aborted dispatch did not stop within the grace period: the consumer no longer waits for it. */
  | { readonly type: "grace.ended" };

interface Received {
  readonly context: DeliveryContext;
  readonly event: DeliveryEvent;
}

/** Updates of the context by name: pure, so that the machine can be compiled to a table. */
export const updates = {
  markStopping: () => ({ isStopping: true }),
  setIsLast: ({ event }: Received) => ({ isLast: event.type === "limit.changed" && event.isLast }),
  markDispatched: () => ({ wasDispatched: true }),
  setDeadLetterReason: (_: Received, { reason }: { readonly reason: DeadLetterReason }) => ({
    deadLetterReason: reason,
  }),
  omitBody: () => ({ letter: "without-body" as const }),
  countLetterFailure: ({ context }: Received) => ({ letterFailures: context.letterFailures + 1 }),
};

/** Only its type is read. */
const types: { context?: DeliveryContext; events?: DeliveryEvent; input?: DeliveryInput } = {};

const machineSetup = chartSetup({
  types,
  guards: {
    isLast: ({ context }) => context.isLast,
    /** The server would not redeliver the message, and there is time left: the consumer keeps it. */
    mustHold: ({ context }) => context.isLast && !context.isStopping,
    isPermanent: ({ event }) => event.type === "dispatch.failed" && event.permanent,
    hasFailedTooOften: ({ context, event }) =>
      context.isLast || (event.type === "dispatch.failed" && event.failures >= context.maxDeliver),
    isDistant: ({ event }) => event.type === "dispatch.failed" && event.distant,
    isStopping: ({ context }) => context.isStopping,
    isStoppingOnLastDelivery: ({ context }) => context.isStopping && context.isLast,
    canRetryLetter: ({ context }) => context.letterFailures + 1 < LETTER_ATTEMPTS,
    isLetterWhole: ({ context }) => context.letter === "whole",
    /** Only the server's delivery limit speaks against the message: a nak leaves the decision to the server. */
    isOutOfDeliveries: ({ context }) => context.deadLetterReason === "last-delivery",
  },
  actions: {
    markStopping: assign(updates.markStopping),
    setIsLast: assign(updates.setIsLast),
    markDispatched: assign(updates.markDispatched),
    setDeadLetterReason: assign(updates.setDeadLetterReason),
    omitBody: assign(updates.omitBody),
    countLetterFailure: assign(updates.countLetterFailure),

    identify: () => {},
    /** Asks the deduplicator for the right to dispatch, and dispatches under it. */
    guard: () => {},
    /** Aborts the reservation request and the dispatch. */
    abort: () => {},
    /** Acknowledges the message and waits for the server's confirmation. */
    acknowledge: () => {},
    /** Acknowledges a duplicate without confirmation: if the acknowledgement is lost, the next delivery is a duplicate too. */
    acknowledgeDuplicate: () => {},
    /** Gives the slot to another message, and ignores redeliveries of this one until its letter is stored. */
    stopDispatching: () => {},
    /** Publishes the message as a dead letter, or reports that there is no subject for it. */
    publishDeadLetter: () => {},
    /** Requires the server never to redeliver the message. */
    terminate: (_, _params: { readonly copy: TerminatedCopy }) => {},
    /** Repeats a termination that the server does not know. */
    terminateAgain: () => {},
    nak: (_, _params: { readonly delay: NakDelay }) => {},
    /** Publishes a copy of the message that the stream delivers after the pause. */
    scheduleRetry: () => {},
    /** Sends `retry.due` after a pause. */
    armRetry: (_, _params: { readonly of: Retried }) => {},
  },
});

const nak = <const Delay extends NakDelay>(delay: Delay) => ({ type: "nak", params: { delay } }) as const;
const terminate = <const Copy extends TerminatedCopy>(copy: Copy) => ({ type: "terminate", params: { copy } }) as const;
const armRetry = <const Of extends Retried>(of: Of) => ({ type: "armRetry", params: { of } }) as const;
const deadLetter = <const Reason extends DeadLetterReason>(reason: Reason) =>
  ({ type: "setDeadLetterReason", params: { reason } }) as const;

/**
 * The lifecycle of one message that a consumer received, and the single source of truth for which messages are acknowledged.
 * Pure: events report what happened, actions name what to do next, and the consumer does it.
 */
export const delivery = machineSetup.createChart({
  id: "delivery",
  context: ({ input }) => ({
    maxDeliver: input.maxDeliver,
    isLast: input.isLast,
    isStopping: false,
    wasDispatched: false,
    deadLetterReason: undefined,
    letter: "whole",
    letterFailures: 0,
  }),
  initial: "received",
  on: { "force.stop": { actions: "markStopping" }, "limit.changed": { actions: "setIsLast" } },
  states: {
    received: {
      description: "The message waits for a slot",
      on: {
        "slot.acquired": { actions: "identify" },
        identified: "identified",
        unidentifiable: { target: "deadLettering", actions: deadLetter("unidentifiable") },
        "terminated.before": { target: "deadLettered", actions: "terminateAgain" },
        "answered.elsewhere": "ignored",
        draining: [{ guard: "isLast" }, { target: "nakked", actions: nak("none") }],
        "force.stop": [
          { guard: "isLast", target: "deadLettering", actions: ["markStopping", deadLetter("last-delivery")] },
          { target: "nakked", actions: nak("none") },
        ],
      },
    },
    identified: {
      description: "The deduplicator is asked for the right to dispatch",
      entry: "guard",
      on: {
        "dispatch.began": { target: "guarded", actions: "markDispatched" },
        duplicate: { target: "acknowledged", actions: "acknowledgeDuplicate" },
        pending: [
          { guard: "mustHold", target: "held" },
          { guard: "isLast", target: "deadLettering", actions: deadLetter("last-delivery") },
          { target: "nakked", actions: nak("pending") },
        ],
        refused: [
          { guard: "mustHold", target: "held" },
          { guard: "isLast", target: "deadLettering", actions: deadLetter("last-delivery") },
          { guard: "isStopping", target: "nakked", actions: nak("none") },
          { target: "nakked", actions: nak("backoff") },
        ],
        "fingerprint.mismatched": { target: "deadLettering", actions: deadLetter("fingerprint-mismatch") },
        "failure.remembered": { target: "deadLettering", actions: deadLetter("permanent-error") },
        "identity.too.long": { target: "deadLettering", actions: deadLetter("identity-too-long") },
        "force.stop": { actions: ["markStopping", "abort"] },
        "grace.ended": [
          { guard: "isLast", target: "deadLettering", actions: deadLetter("last-delivery") },
          { target: "nakked", actions: nak("none") },
        ],
      },
    },
    guarded: {
      description: "The handler runs, and its success is committed",
      on: {
        dispatched: "acknowledging",
        "dispatch.failed": [
          { guard: "isPermanent", target: "deadLettering", actions: deadLetter("permanent-error") },
          { guard: "isStoppingOnLastDelivery", target: "deadLettering", actions: deadLetter("last-delivery") },
          { guard: "isStopping", target: "nakked", actions: nak("none") },
          { guard: "hasFailedTooOften", target: "deadLettering", actions: deadLetter("max-deliver") },
          { guard: "isDistant", target: "scheduling" },
          { target: "nakked", actions: nak("backoff") },
        ],
        "force.stop": { actions: ["markStopping", "abort"] },
        "grace.ended": [
          { guard: "isLast", target: "deadLettering", actions: deadLetter("last-delivery") },
          { target: "nakked", actions: nak("none") },
        ],
      },
    },
    held: {
      description: "The server would not redeliver the message: the consumer keeps it and asks again after a pause",
      entry: armRetry("guard"),
      on: {
        "retry.due": "identified",
        "force.stop": { target: "deadLettering", actions: ["markStopping", deadLetter("last-delivery")] },
      },
    },
    scheduling: {
      description: "The stream stores a copy for later, so that the message itself need not wait",
      entry: "scheduleRetry",
      on: {
        "retry.scheduled": "acknowledging",
        "schedule.failed": [
          { guard: "isLast", target: "deadLettering", actions: deadLetter("max-deliver") },
          { target: "nakked", actions: nak("backoff") },
        ],
      },
    },
    acknowledging: {
      description:
        "The event was dispatched, or its retry is scheduled. If the acknowledgement is lost, the next delivery is a duplicate",
      entry: "acknowledge",
      on: { "ack.confirmed": "acknowledged", "ack.unconfirmed": "acknowledged" },
    },
    deadLettering: {
      description: "Only the letter is retried: the message is not dispatched again",
      entry: "stopDispatching",
      initial: "publishing",
      states: {
        publishing: {
          entry: "publishDeadLetter",
          on: {
            "dead.letter.stored": { target: "#delivery.deadLettered", actions: terminate("stored") },
            "dead.letter.disabled": [
              { guard: "isOutOfDeliveries", target: "#delivery.nakked", actions: nak("none") },
              { target: "#delivery.deadLettered", actions: terminate("disabled") },
            ],
            "dead.letter.too.large": [
              { guard: "isLetterWhole", target: "publishing", reenter: true, actions: "omitBody" },
              { target: "#delivery.deadLettered", actions: terminate("lost") },
            ],
            "dead.letter.failed": [
              { guard: "isStopping", target: "#delivery.nakked", actions: nak("none") },
              { guard: "canRetryLetter", target: "backingOff", actions: "countLetterFailure" },
              { guard: "isLetterWhole", target: "publishing", reenter: true, actions: "omitBody" },
              { target: "#delivery.deadLettered", actions: terminate("lost") },
            ],
          },
        },
        backingOff: {
          entry: armRetry("dead-letter"),
          on: {
            "retry.due": "publishing",
            "force.stop": { target: "publishing", actions: "markStopping" },
          },
        },
      },
    },
    acknowledged: { type: "final", description: "The event was dispatched, now or earlier, or its retry is scheduled" },
    nakked: { type: "final", description: "The server redelivers the message" },
    deadLettered: { type: "final", description: "The message is never redelivered; the audit says why" },
    ignored: { type: "final", description: "An earlier delivery of the message answers for it" },
  },
});
