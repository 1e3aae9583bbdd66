import { assign, type StateValue } from "xstate";
import { chartSetup } from "./chart.ts";

/** The context of one attempt. The engine owns the token, the records and the clock. Revisions and fences only rise. */
export interface DedupKeyContext {
  /** True if an unreachable store means dispatching unprotected, instead of refusing. */
  readonly mayDispatchUnprotected: boolean;
  /** Number of claims so far. */
  readonly claims: number;
  /** Number of the dispatch attempt that the next claim begins, counting from 1. */
  readonly attempt: number;
  /** Revision that the next claim expects; 0 for an empty key. */
  readonly expected: number;
  /** Revision of this attempt's record in the store; 0 if none is known. */
  readonly revision: number;
  /** Highest known revision of any record of this attempt, even if the record is thought to be gone. */
  readonly newest: number;
  /** Revision of the reservation's first write; 0 before that, and when unprotected. */
  readonly fence: number;
  /** True after a claim whose answer was lost: it may have been applied, or may be applied later. */
  readonly inDoubt: boolean;
  /** True if the handler runs without a reservation. */
  readonly unprotected: boolean;
}

/** Input of the machine. */
export interface DedupKeyInput {
  /** True if an unreachable store lets the handler run without a reservation. */
  readonly mayDispatchUnprotected: boolean;
  /** Number of the first attempt, counting from 1. */
  readonly attempt: number;
}

/** Events of an attempt. The engine interprets each store answer first: whose record it is, and whether its lease has ended. */
export type DedupKeyEvent =
  /** A write was acknowledged; `late` if the lease that it begins has already ended. */
  | { readonly type: "write.acked"; readonly revision: number; readonly late: boolean }
  /** A write found another revision than it expected. */
  | { readonly type: "write.conflicted" }
  | { readonly type: "removed" }
  /** The store has no way to remove a key. */
  | { readonly type: "unremovable" }
  | { readonly type: "found.nothing" }
  /** The key is empty, and keys were cleared since this attempt was known to hold it. */
  | { readonly type: "found.cleared" }
  | { readonly type: "found.own.reservation"; readonly revision: number; readonly late: boolean }
  | { readonly type: "found.own.commit"; readonly revision: number }
  /** A reservation of another attempt; `ended` if it was unchanged for longer than its lease. */
  | { readonly type: "found.reservation"; readonly revision: number; readonly attempt: number; readonly ended: boolean }
  | { readonly type: "found.commit"; readonly revision: number }
  /** `ambiguous` if the write may have been applied. */
  | { readonly type: "store.unreachable"; readonly ambiguous: boolean }
  /** The store answered outside its contract, or holds an unreadable record. */
  | { readonly type: "store.broken" }
  /** The pause before a retry is over; `exhausted` if the time for retries is over too. */
  | { readonly type: "retry.due"; readonly exhausted: boolean }
  | { readonly type: "handler.succeeded" }
  | { readonly type: "handler.failed" }
  | { readonly type: "renewal.due" }
  | { readonly type: "lease.ended" }
  | { readonly type: "shutdown" };

/** Reason of a handler's abort. */
export type LossCause = "lease-ended" | "superseded" | "shutdown";

/** End of an attempt. */
export type Settlement =
  | "duplicate"
  | "pending"
  | "unavailable"
  | "confirmed"
  | "adopted"
  | "superseded"
  | "unconfirmed"
  | "released"
  | "left-to-expire";

/** Maximum number of claims of one attempt, for a key that keeps changing hands. */
export const MOST_CLAIMS = 8;

interface Happening {
  readonly context: DedupKeyContext;
  readonly event: DedupKeyEvent;
}

const revisionIn = (event: DedupKeyEvent): number => ("revision" in event ? event.revision : 0);

/** The changes of the context by name. They are pure, so that the machine can be compiled to a table. */
export const updates = {
  /** The claim succeeded: this attempt is the holder. */
  grant: ({ event }) => ({
    revision: revisionIn(event),
    newest: revisionIn(event),
    fence: revisionIn(event),
    inDoubt: false,
  }),
  noteRevision: ({ context, event }) => ({
    revision: revisionIn(event),
    newest: Math.max(context.newest, revisionIn(event)),
  }),
  forgetRevision: () => ({ revision: 0 }),
  /** The record that was thought to be gone still exists. */
  restoreRevision: ({ context }) => ({ revision: context.newest }),
  noteDoubt: ({ context, event }) => ({
    inDoubt: context.inDoubt || (event.type === "store.unreachable" && event.ambiguous),
  }),
  /** The key is empty: the next claim expects that. */
  expectNothing: ({ context }) => ({ expected: 0, claims: context.claims + 1 }),
  /** The reservation in the store has ended: the next claim replaces exactly that one. */
  expectEnded: ({ context, event }) => ({
    expected: revisionIn(event),
    claims: context.claims + 1,
    attempt: event.type === "found.reservation" ? Math.max(context.attempt, event.attempt + 1) : context.attempt,
  }),
  /** The claim was acknowledged too late: the next one replaces it. */
  expectOwn: ({ context, event }) => ({ expected: revisionIn(event), claims: context.claims + 1, inDoubt: false }),
  goUnprotected: () => ({ unprotected: true }),
} satisfies Record<string, (happening: Happening) => Partial<DedupKeyContext>>;

const mayClaimAgain = ({ context }: Happening): boolean => context.claims < MOST_CLAIMS;
const isLate = ({ event }: Happening): boolean => "late" in event && event.late;
const isExhausted = ({ event }: Happening): boolean => event.type === "retry.due" && event.exhausted;

const types: { context?: DedupKeyContext; events?: DedupKeyEvent; input?: DedupKeyInput } = {};

const machineSetup = chartSetup({
  types,
  guards: {
    isLate,
    mayClaimAgain,
    isLateAndMayClaimAgain: (happening) => isLate(happening) && mayClaimAgain(happening),
    hasEndedAndMayClaimAgain: ({ context, event }) =>
      event.type === "found.reservation" && event.ended && context.claims < MOST_CLAIMS,
    /** A claim that may have been applied is repeated until that is known. Any other failed claim is given up at once. */
    isInDoubt: ({ context, event }) => context.inDoubt || (event.type === "store.unreachable" && event.ambiguous),
    isExhausted,
    isExhaustedAndMayDispatch: (happening) => isExhausted(happening) && happening.context.mayDispatchUnprotected,
    mayDispatchUnprotected: ({ context }) => context.mayDispatchUnprotected,
    /** The record is newer than any known one of this attempt: a write without an answer was applied. */
    isNewer: ({ context, event }) => revisionIn(event) > context.newest,
    /** This attempt has replaced the record since: the read is stale. */
    isOlder: ({ context, event }) => revisionIn(event) < context.newest,
    holdsNothing: ({ context }) => context.revision === 0,
    isUnprotected: ({ context }) => context.unprotected,
  },
  actions: {
    grant: assign(updates.grant),
    noteRevision: assign(updates.noteRevision),
    forgetRevision: assign(updates.forgetRevision),
    restoreRevision: assign(updates.restoreRevision),
    noteDoubt: assign(updates.noteDoubt),
    expectNothing: assign(updates.expectNothing),
    expectEnded: assign(updates.expectEnded),
    expectOwn: assign(updates.expectOwn),
    goUnprotected: assign(updates.goUnprotected),

    /** Writes a reservation over `context.expected`: a new one, or the same one again while it is in doubt. */
    putReservation: () => {},
    readRecord: () => {},
    /** Writes the reservation again, over `context.revision`, to begin a new lease. */
    renewLease: () => {},
    /** Writes the commit over `context.revision`, or to an empty key if that is 0. */
    putCommit: () => {},
    removeReservation: () => {},
    /** Sends `retry.due` after a pause. */
    armRetry: () => {},
    /** Begins the lease, and sends `renewal.due` and `lease.ended` in time. */
    armDeadline: () => {},
    /** Sends `renewal.due` after a pause. The end of the lease does not move. */
    armRenewalRetry: () => {},
    startHandler: () => {},
    abortHandler: (_, _params: { readonly reason: LossCause }) => {},
    /** Reports the end of the attempt. It is always the last action. */
    settle: (_, _params: { readonly as: Settlement }) => {},
  },
});

const settle = <const As extends Settlement>(as: As) => ({ type: "settle", params: { as } }) as const;
const abortHandler = <const Reason extends LossCause>(reason: Reason) =>
  ({ type: "abortHandler", params: { reason } }) as const;

/** The reservation is gone: the commit is adopted unless another holder took the key. */
const nothingLeftOfOurs = machineSetup.createStateConfig({
  on: { "found.nothing": { target: "#dedupKey.expired.committing", actions: "forgetRevision" } },
}).on;
/** The same, but if the write expected an empty key and conflicted, the read is stale. */
const nothingThere = machineSetup.createStateConfig({
  on: {
    "found.nothing": [
      { guard: "holdsNothing", target: ".backingOff" },
      { target: ".writing", actions: "forgetRevision" },
    ],
  },
}).on;

const takenUnlessOlder = [
  { guard: "isOlder", target: ".backingOff", actions: "restoreRevision" },
  { target: "#dedupKey.superseded", actions: settle("superseded") },
] as const;

/**
 * Writes the commit until it is stored, is known to be impossible, or the time for retries is over. Only a newer record is
 * overwritten at once. A stale read leads to a pause.
 */
const committing = <const As extends "confirmed" | "adopted">(as: As) =>
  machineSetup.createStateConfig({
    initial: "writing",
    on: {
      "found.own.reservation": [
        { guard: "isNewer", target: ".writing", actions: "noteRevision" },
        { target: ".backingOff", actions: "restoreRevision" },
      ],
      "found.own.commit": { target: "#dedupKey.committed", actions: ["noteRevision", settle(as)] },
      "found.reservation": takenUnlessOlder,
      "found.commit": takenUnlessOlder,
      "found.cleared": { target: "#dedupKey.superseded", actions: settle("superseded") },
      "store.unreachable": ".backingOff",
      ...(as === "confirmed" ? nothingLeftOfOurs : nothingThere),
    },
    states: {
      writing: {
        entry: "putCommit",
        on: {
          "write.acked": {
            target: "#dedupKey.committed",
            actions: ["noteRevision", settle(as)],
          },
          "write.conflicted": "reading",
        },
      },
      reading: { entry: "readRecord" },
      backingOff: {
        entry: "armRetry",
        on: {
          "retry.due": [
            {
              guard: "isExhausted",
              target: "#dedupKey.unconfirmed",
              actions: settle("unconfirmed"),
            },
            { target: "writing" },
          ],
        },
      },
    },
  });

const releasedUnlessOlder = [
  { guard: "isOlder", target: "#dedupKey.released", actions: settle("left-to-expire") },
  { target: "#dedupKey.released", actions: settle("released") },
] as const;

/** Releases the key after a failed dispatch. If that fails, the reservation ends with its lease. */
const releasing = () =>
  machineSetup.createStateConfig({
    initial: "removing",
    on: {
      "found.own.reservation": [
        { guard: "isNewer", target: ".removing", actions: "noteRevision" },
        { target: "#dedupKey.released", actions: settle("left-to-expire") },
      ],
      "found.nothing": { target: "#dedupKey.released", actions: settle("released") },
      "found.reservation": releasedUnlessOlder,
      "found.commit": releasedUnlessOlder,
      "store.unreachable": {
        target: "#dedupKey.released",
        actions: settle("left-to-expire"),
      },
    },
    states: {
      removing: {
        entry: "removeReservation",
        on: {
          removed: { target: "#dedupKey.released", actions: settle("released") },
          unremovable: {
            target: "#dedupKey.released",
            actions: settle("left-to-expire"),
          },
          "write.conflicted": "reading",
        },
      },
      reading: { entry: "readRecord" },
    },
  });

const goneUnlessOlder = [
  { guard: "isOlder", target: "running" },
  { target: "running", actions: "forgetRevision" },
] as const;
const lostUnlessOlder = [
  { guard: "isOlder", target: ".running", actions: "armRenewalRetry" },
  { target: "#dedupKey.expired", actions: abortHandler("superseded") },
] as const;

/**
 * The lifecycle of a key during one attempt on one replica: the single source of truth for production, model checker and inspector.
 * It is pure. Events report what happened, actions name what to do, and the engine does it.
 */
export const dedupKey = machineSetup.createChart({
  id: "dedupKey",
  context: ({ input }) => ({
    mayDispatchUnprotected: input.mayDispatchUnprotected,
    claims: 1,
    attempt: input.attempt,
    expected: 0,
    revision: 0,
    newest: 0,
    fence: 0,
    inDoubt: false,
    unprotected: false,
  }),
  initial: "unseen",
  states: {
    unseen: {
      description: "No replica is known to hold the key: it is being claimed",
      initial: "claiming",
      on: {
        "found.nothing": [
          { guard: "mayClaimAgain", target: ".claiming", actions: "expectNothing" },
          { target: "pending", actions: settle("pending") },
        ],
        "found.reservation": [
          { guard: "hasEndedAndMayClaimAgain", target: ".claiming", actions: "expectEnded" },
          { target: "pending", actions: settle("pending") },
        ],
        "found.commit": { target: "committed", actions: settle("duplicate") },
        "found.own.reservation": [
          { guard: "isLateAndMayClaimAgain", target: ".claiming", actions: "expectOwn" },
          { guard: "isLate", target: "unavailable", actions: settle("unavailable") },
          { target: "reserved", actions: ["grant", "armDeadline", "startHandler"] },
        ],
        "store.broken": { target: "unavailable", actions: settle("unavailable") },
      },
      states: {
        claiming: {
          entry: "putReservation",
          on: {
            "write.acked": [
              { guard: "isLateAndMayClaimAgain", target: "claiming", reenter: true, actions: "expectOwn" },
              {
                guard: "isLate",
                target: "#dedupKey.unavailable",
                actions: settle("unavailable"),
              },
              { target: "#dedupKey.reserved", actions: ["grant", "armDeadline", "startHandler"] },
            ],
            "write.conflicted": "reading",
            "store.unreachable": [
              { guard: "isInDoubt", target: "backingOff", actions: "noteDoubt" },
              {
                guard: "mayDispatchUnprotected",
                target: "#dedupKey.expired",
                actions: ["goUnprotected", "startHandler"],
              },
              { target: "#dedupKey.unavailable", actions: settle("unavailable") },
            ],
          },
        },
        reading: {
          description: "Another replica has the key: its record decides",
          entry: "readRecord",
          on: {
            "store.unreachable": [
              { guard: "isInDoubt", target: "backingOff", actions: "noteDoubt" },
              { target: "#dedupKey.unavailable", actions: settle("unavailable") },
            ],
          },
        },
        backingOff: {
          description: "A claim may have been applied: the same one is repeated until that is known",
          entry: "armRetry",
          on: {
            "retry.due": [
              {
                guard: "isExhaustedAndMayDispatch",
                target: "#dedupKey.expired",
                actions: ["goUnprotected", "startHandler"],
              },
              {
                guard: "isExhausted",
                target: "#dedupKey.unavailable",
                actions: settle("unavailable"),
              },
              { target: "claiming" },
            ],
          },
        },
      },
    },
    reserved: {
      description: "We hold the key until the lease ends",
      initial: "dispatching",
      states: {
        dispatching: {
          initial: "running",
          on: {
            "handler.succeeded": "committing",
            "handler.failed": "releasing",
            "lease.ended": {
              target: "#dedupKey.expired",
              actions: abortHandler("lease-ended"),
            },
            shutdown: {
              target: "#dedupKey.expired.dispatching.removing",
              actions: abortHandler("shutdown"),
            },
            "found.own.reservation": [
              { guard: "isNewer", target: ".running", actions: ["noteRevision", "armDeadline"] },
              { target: ".running", actions: "armRenewalRetry" },
            ],
            "found.nothing": { target: "#dedupKey.expired", actions: abortHandler("superseded") },
            "found.reservation": lostUnlessOlder,
            "found.commit": lostUnlessOlder,
            "store.unreachable": { target: ".running", actions: "armRenewalRetry" },
          },
          states: {
            running: { on: { "renewal.due": "renewing" } },
            renewing: {
              entry: "renewLease",
              on: {
                "write.acked": { target: "running", actions: ["noteRevision", "armDeadline"] },
                "write.conflicted": "reading",
              },
            },
            reading: { entry: "readRecord" },
          },
        },
        committing: committing("confirmed"),
        releasing: releasing(),
      },
    },
    expired: {
      description: "The reservation is no longer ours, or never was, and the handler has not returned",
      initial: "dispatching",
      states: {
        dispatching: {
          initial: "running",
          on: {
            "handler.succeeded": "committing",
            "handler.failed": [
              { guard: "isInDoubt", target: "#dedupKey.released", actions: settle("left-to-expire") },
              { guard: "holdsNothing", target: "#dedupKey.released", actions: settle("released") },
              { target: "releasing" },
            ],
          },
          states: {
            running: {
              on: {
                "write.acked": { actions: "noteRevision" },
                shutdown: {
                  guard: "isUnprotected",
                  actions: abortHandler("shutdown"),
                },
              },
            },
            removing: {
              description: "Shutting down: the key is released while the aborted handler may still run",
              entry: "removeReservation",
              on: {
                removed: { target: "running", actions: "forgetRevision" },
                unremovable: "running",
                "write.conflicted": "reading",
                "found.own.reservation": {
                  guard: "isNewer",
                  target: "removing",
                  reenter: true,
                  actions: "noteRevision",
                },
                "found.reservation": goneUnlessOlder,
                "found.commit": goneUnlessOlder,
                "store.unreachable": "running",
              },
            },
            reading: {
              entry: "readRecord",
              on: {
                "found.own.reservation": [
                  { guard: "isNewer", target: "removing", actions: "noteRevision" },
                  { target: "running" },
                ],
                "found.nothing": { target: "running", actions: "forgetRevision" },
                "found.reservation": goneUnlessOlder,
                "found.commit": goneUnlessOlder,
                "store.unreachable": "running",
              },
            },
          },
        },
        committing: committing("adopted"),
        releasing: releasing(),
      },
    },
    committed: { type: "final", description: "The dispatch succeeded, and duplicates are suppressed" },
    released: { type: "final", description: "The dispatch failed: the next delivery is unseen again" },
    pending: { type: "final", description: "Another replica is dispatching the event: the delivery must come back" },
    superseded: {
      type: "final",
      description: "Another replica took the key, or it was cleared: the event may have run twice, or may run again",
    },
    unconfirmed: {
      type: "final",
      description: "The dispatch succeeded, and it is unknown whether the commit was stored",
    },
    unavailable: { type: "final", description: "The store cannot show who holds the key: nothing was dispatched" },
  },
});

/** Progress of an attempt: claiming the key, dispatching the event, then committing or releasing the key. */
export type Phase = "claiming" | "dispatching" | "committing" | "releasing";

/** Returns the phase of a state. Each final state counts as the phase that leads to it. */
export function phaseOf(value: StateValue): Phase {
  if (typeof value === "string") return finalPhases[value] ?? "claiming";
  const held = value["reserved"] ?? value["expired"];
  if (typeof held !== "object") return "claiming";
  if ("dispatching" in held) return "dispatching";
  return "committing" in held ? "committing" : "releasing";
}

const finalPhases: Readonly<Record<string, Phase | undefined>> = {
  committed: "committing",
  superseded: "committing",
  unconfirmed: "committing",
  released: "releasing",
};
