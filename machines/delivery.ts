import { assign, setup } from "xstate";

/** What the life of one delivered message remembers; the message itself and the timers are the consumer's. */
export interface DeliveryContext {
  /** When as many dispatches have failed, the message goes to the dead letters. */
  readonly maxDeliver: number;
  /** Whether the server gives up after this delivery: what is put back now would silently be dropped. */
  readonly isLast: boolean;
  /** Whether the consumer's time to finish is over: nothing waits any longer. */
  readonly lettingGo: boolean;
  /** Why the message goes to the dead letters, once it does. */
  readonly deadBecause: DeadLetterReason | undefined;
}

export interface DeliveryInput {
  readonly maxDeliver: number;
  readonly isLast: boolean;
}

/**
 * Why a message is dead-lettered: it has no identity that can be read; its dispatch will never succeed, or failed too often;
 * its identity came with another payload before; or the server's last delivery ended before it could be dispatched.
 */
export type DeadLetterReason =
  | "unidentifiable"
  | "permanent-error"
  | "max-deliver"
  | "fingerprint-mismatch"
  | "last-delivery";

/** When a message that is put back shall return: at once, when the pending reservation ends, or after the backoff. */
export type PutBackAfter = "nothing" | "pending" | "backoff";

/** What happened. */
export type DeliveryEvent =
  /** A slot is free: the message's turn has come. */
  | { readonly type: "turn.came" }
  | { readonly type: "identified" }
  | { readonly type: "unidentifiable" }
  /** The key is reserved, or the event goes unprotected, and the handler runs. */
  | { readonly type: "dispatch.began" }
  /** The handler returned, however its commit ended. */
  | { readonly type: "dispatched" }
  /** The handler threw; `permanent` when it will never succeed. `failures` counts the dispatches that did, this one included. */
  | { readonly type: "dispatch.failed"; readonly permanent: boolean; readonly failures: number }
  | { readonly type: "duplicate" }
  /** Somebody else is dispatching the event. */
  | { readonly type: "pending" }
  /** The deduplicator could not say: nothing was dispatched. */
  | { readonly type: "refused" }
  | { readonly type: "fingerprint.mismatched" }
  /** The server confirmed the acknowledgement. */
  | { readonly type: "ack.confirmed" }
  /** Nobody knows whether the server has the acknowledgement. */
  | { readonly type: "ack.unconfirmed" }
  | { readonly type: "dead.letter.stored" }
  | { readonly type: "dead.letter.failed" }
  /** There is nowhere to put dead letters. */
  | { readonly type: "dead.letter.unwanted" }
  /** The pause is over. */
  | { readonly type: "retry.due" }
  /** The consumer takes nothing new; what has begun may finish. */
  | { readonly type: "draining" }
  /** The time to finish is over: what still runs is told to stop. */
  | { readonly type: "let.go" }
  /** What was told to stop runs on: it is left to itself. */
  | { readonly type: "abandoned" };

interface Happening {
  readonly context: DeliveryContext;
  readonly event: DeliveryEvent;
}

const dead = (deadBecause: DeadLetterReason) => (): Partial<DeliveryContext> => ({ deadBecause });

/** Every change of the context, by name: pure, so that the machine can be compiled to a table. */
export const updates = {
  noteLettingGo: () => ({ lettingGo: true }),
  blameIdentity: dead("unidentifiable"),
  blamePermanentError: dead("permanent-error"),
  blameMaxDeliver: dead("max-deliver"),
  blameFingerprint: dead("fingerprint-mismatch"),
  blameLastDelivery: dead("last-delivery"),
} satisfies Record<string, (happening: Happening) => Partial<DeliveryContext>>;

/** Only its type is read. */
const types: { context?: DeliveryContext; events?: DeliveryEvent; input?: DeliveryInput } = {};

const machineSetup = setup({
  types,
  guards: {
    isLast: ({ context }) => context.isLast,
    /** The server would not bring the message back, and there is time left: it is held here instead. */
    mustHold: ({ context }) => context.isLast && !context.lettingGo,
    isPermanent: ({ event }) => event.type === "dispatch.failed" && event.permanent,
    hasFailedTooOften: ({ context, event }) =>
      context.isLast || (event.type === "dispatch.failed" && event.failures >= context.maxDeliver),
    isLettingGo: ({ context }) => context.lettingGo,
    isLettingGoOfTheLast: ({ context }) => context.lettingGo && context.isLast,
    /** It was never dispatched, and only the server's count is against it: rather dropped by the server than terminated. */
    isOnlyOutOfDeliveries: ({ context }) => context.deadBecause === "last-delivery",
  },
  actions: {
    noteLettingGo: assign(updates.noteLettingGo),
    blameIdentity: assign(updates.blameIdentity),
    blamePermanentError: assign(updates.blamePermanentError),
    blameMaxDeliver: assign(updates.blameMaxDeliver),
    blameFingerprint: assign(updates.blameFingerprint),
    blameLastDelivery: assign(updates.blameLastDelivery),

    identify: () => {},
    /** Asks the deduplicator for the right to dispatch, and dispatches under it. */
    guard: () => {},
    /** Aborts the asking and the dispatch. */
    abort: () => {},
    /** Acknowledges, and waits until the server has it. */
    acknowledge: () => {},
    /** Acknowledges a duplicate: should it get lost, the next delivery is a duplicate as well. */
    acknowledgeDuplicate: () => {},
    /** Publishes the message as a dead letter, or says that there is nowhere to. */
    publishDeadLetter: () => {},
    /** Tells the server never to deliver the message again. */
    terminate: () => {},
    putBack: (_, _params: { readonly after: PutBackAfter }) => {},
    /** Sends `retry.due` after a pause. */
    armRetry: () => {},
  },
});

const putBack = <const After extends PutBackAfter>(after: After) => ({ type: "putBack", params: { after } }) as const;

/**
 * The life of one message that a consumer was given: the single source of truth for which messages are acknowledged. Pure:
 * events say what happened, actions name what to do, the consumer does it.
 */
export const deliveryMachine = machineSetup.createMachine({
  id: "delivery",
  context: ({ input }) => ({
    maxDeliver: input.maxDeliver,
    isLast: input.isLast,
    lettingGo: false,
    deadBecause: undefined,
  }),
  initial: "received",
  on: { "let.go": { actions: "noteLettingGo" } },
  states: {
    received: {
      description: "The message waits for its turn",
      on: {
        "turn.came": { actions: "identify" },
        identified: "identified",
        unidentifiable: { target: "deadLettering", actions: "blameIdentity" },
        draining: [{ guard: "isLast" }, { target: "putBack", actions: putBack("nothing") }],
        "let.go": [
          { guard: "isLast", target: "deadLettering", actions: ["noteLettingGo", "blameLastDelivery"] },
          { target: "putBack", actions: putBack("nothing") },
        ],
      },
    },
    identified: {
      description: "The deduplicator is asked for the right to dispatch",
      entry: "guard",
      on: {
        "dispatch.began": "guarded",
        duplicate: { target: "acknowledged", actions: "acknowledgeDuplicate" },
        pending: [
          { guard: "mustHold", target: "held" },
          { guard: "isLast", target: "deadLettering", actions: "blameLastDelivery" },
          { target: "putBack", actions: putBack("pending") },
        ],
        refused: [
          { guard: "mustHold", target: "held" },
          { guard: "isLast", target: "deadLettering", actions: "blameLastDelivery" },
          { guard: "isLettingGo", target: "putBack", actions: putBack("nothing") },
          { target: "putBack", actions: putBack("backoff") },
        ],
        "fingerprint.mismatched": { target: "deadLettering", actions: "blameFingerprint" },
        "let.go": { actions: ["noteLettingGo", "abort"] },
        abandoned: [
          { guard: "isLast", target: "deadLettering", actions: "blameLastDelivery" },
          { target: "putBack", actions: putBack("nothing") },
        ],
      },
    },
    guarded: {
      description: "The handler runs, and its success is committed",
      on: {
        dispatched: "acknowledging",
        "dispatch.failed": [
          { guard: "isPermanent", target: "deadLettering", actions: "blamePermanentError" },
          { guard: "isLettingGoOfTheLast", target: "deadLettering", actions: "blameLastDelivery" },
          { guard: "isLettingGo", target: "putBack", actions: putBack("nothing") },
          { guard: "hasFailedTooOften", target: "deadLettering", actions: "blameMaxDeliver" },
          { target: "putBack", actions: putBack("backoff") },
        ],
        "let.go": { actions: ["noteLettingGo", "abort"] },
        abandoned: [
          { guard: "isLast", target: "deadLettering", actions: "blameLastDelivery" },
          { target: "putBack", actions: putBack("nothing") },
        ],
      },
    },
    held: {
      description: "The server would not bring the message back: it is kept here, and asked for again after a pause",
      entry: "armRetry",
      on: {
        "retry.due": "identified",
        "let.go": { target: "deadLettering", actions: ["noteLettingGo", "blameLastDelivery"] },
      },
    },
    acknowledging: {
      description: "The event was dispatched. Should the acknowledgement get lost, its next delivery is a duplicate",
      entry: "acknowledge",
      on: { "ack.confirmed": "acknowledged", "ack.unconfirmed": "acknowledged" },
    },
    deadLettering: {
      initial: "publishing",
      states: {
        publishing: {
          entry: "publishDeadLetter",
          on: {
            "dead.letter.stored": { target: "#delivery.deadLettered", actions: "terminate" },
            "dead.letter.unwanted": [
              { guard: "isOnlyOutOfDeliveries", target: "#delivery.putBack", actions: putBack("nothing") },
              { target: "#delivery.deadLettered", actions: "terminate" },
            ],
            "dead.letter.failed": [
              { guard: "mustHold", target: "pausing" },
              { target: "#delivery.putBack", actions: putBack("backoff") },
            ],
          },
        },
        pausing: {
          entry: "armRetry",
          on: {
            "retry.due": "publishing",
            "let.go": { target: "publishing", actions: "noteLettingGo" },
          },
        },
      },
    },
    acknowledged: { type: "final", description: "The event was dispatched, now or before" },
    putBack: { type: "final", description: "The message comes back" },
    deadLettered: { type: "final", description: "The message never comes back; what it was is told" },
  },
});
