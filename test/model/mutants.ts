import { changes } from "../support/machine-changes.ts";
import type { Guarantee } from "./register.ts";
import { type Scope, scopeOf } from "./scope.ts";

/** A machine with one bug, as a replacement in its source text. */
export interface Mutant {
  readonly name: string;
  readonly breaks: Guarantee;
  readonly scope: Scope;
  readonly find: string;
  readonly replace: string;
}

const noFaults = scopeOf(2, {});
const crash = scopeOf(2, { crash: 1 });
const trouble = scopeOf(2, { trouble: 1 });
const shutdown = scopeOf(2, { shutdown: 1 });

export const mutants: readonly Mutant[] = [
  {
    name: "a commit is written over another holder's reservation",
    breaks: "G5",
    scope: noFaults,
    ...changes.commitOverReservation,
  },
  {
    name: "a commit is written over another holder's commit",
    breaks: "G3",
    scope: noFaults,
    find: `"found.commit": takenUnlessOlder,`,
    replace: `"found.commit": { target: ".writing", actions: "noteRevision" },`,
  },
  {
    name: "a release removes another holder's reservation",
    breaks: "G5",
    scope: noFaults,
    ...changes.releaseOfReservation,
  },
  {
    name: "a release removes another holder's commit",
    breaks: "G3",
    scope: noFaults,
    find: `"found.commit": releasedUnlessOlder,`,
    replace: `"found.commit": { target: ".removing", actions: "noteRevision" },`,
  },
  {
    name: "a renewal overwrites another holder's reservation",
    breaks: "G6",
    scope: scopeOf(2, { clear: 1 }),
    ...changes.renewalOverReservation,
  },
  {
    name: "a lease is renewed after it has ended",
    breaks: "G5",
    scope: noFaults,
    find: `                "write.acked": { actions: "noteRevision" },`,
    replace: `                "write.acked": { target: "#dedupKey.reserved.dispatching.renewing", actions: "noteRevision" },`,
  },
  {
    name: "a reservation is claimed before its lease has ended",
    breaks: "G5",
    scope: noFaults,
    find: `event.type === "found.reservation" && event.ended && context.claims < MOST_CLAIMS,`,
    replace: `event.type === "found.reservation" && context.claims < MOST_CLAIMS,`,
  },
  {
    name: "a claim that was acknowledged after its lease starts a dispatch",
    breaks: "G1",
    scope: scopeOf(2, { slowness: 1 }),
    find: `"late" in event && event.late;`,
    replace: `"late" in event && event.late && event.type !== "write.acked";`,
  },
  {
    name: "a holder treats its own expired reservation as live",
    breaks: "G1",
    scope: scopeOf(2, { slowness: 1, trouble: 1 }),
    find: `"late" in event && event.late;`,
    replace: `"late" in event && event.late && event.type === "write.acked";`,
  },
  {
    name: "an event whose key is read as free is dispatched without a write",
    breaks: "G10",
    scope: noFaults,
    ...changes.dispatchOfFreeKey,
  },
  {
    name: "an expired reservation is taken over without a write",
    breaks: "G10",
    scope: crash,
    ...changes.takeoverWithoutWrite,
  },
  {
    name: "a claim that timed out counts as a reservation",
    breaks: "G9",
    scope: trouble,
    ...changes.claimInDoubtHeld,
  },
  {
    name: "a claim that timed out is forgotten and replaced by a new claim",
    breaks: "G9",
    scope: trouble,
    find: `inDoubt: context.inDoubt || (event.type === "store.unreachable" && event.ambiguous),`,
    replace: `inDoubt: false && context.inDoubt && event.type === "removed",`,
  },
  {
    name: "the handler runs unprotected without permission",
    breaks: "G1",
    scope: trouble,
    ...changes.unprotectedAlways,
  },
  {
    name: "a key that another replica holds is reported as a duplicate",
    breaks: "G2",
    scope: noFaults,
    find: `          { guard: "hasEndedAndMayClaimAgain", target: ".claiming", actions: "expectEnded" },
          { target: "pending", actions: settle("pending") },`,
    replace: `          { guard: "hasEndedAndMayClaimAgain", target: ".claiming", actions: "expectEnded" },
          { target: "committed", actions: settle("duplicate") },`,
  },
  {
    name: "a failed dispatch is committed",
    breaks: "G2",
    scope: noFaults,
    find: `"handler.failed": "releasing",
            "lease.ended"`,
    replace: `"handler.failed": "committing",
            "lease.ended"`,
  },
  {
    name: "a failed dispatch whose key was removed is reported as a success",
    breaks: "G7",
    scope: noFaults,
    find: `"found.nothing": { target: "#dedupKey.released", actions: settle("released") },`,
    replace: `"found.nothing": { target: "#dedupKey.committed", actions: settle("confirmed") },`,
  },
  {
    name: "the key of a failed dispatch is reported as released although it is not",
    breaks: "G7",
    scope: noFaults,
    find: `"handler.failed": "releasing",
            "lease.ended"`,
    replace: `"handler.failed": { target: "#dedupKey.released", actions: settle("released") },
            "lease.ended"`,
  },
  {
    name: "the key of a failed dispatch is held forever",
    breaks: "G4",
    scope: noFaults,
    find: `"handler.failed": "releasing",
            "lease.ended"`,
    replace: `"lease.ended"`,
  },
  {
    name: "a commit over a removed record is retried without end",
    breaks: "G4",
    scope: noFaults,
    find: `{ target: ".writing", actions: "forgetRevision" },`,
    replace: `".writing",`,
  },
  {
    name: "the end of a lease is ignored",
    breaks: "G6",
    scope: noFaults,
    find: `            "lease.ended": {
              target: "#dedupKey.expired",
              actions: abortHandler("lease-ended"),
            },
`,
    replace: ``,
  },
  {
    name: "a lease restarts although its renewal was not applied",
    breaks: "G6",
    scope: scopeOf(2, { trouble: 1, "stale read": 1 }),
    find: `{ target: ".running", actions: "armRenewalRetry" },
            ],
            "found.nothing"`,
    replace: `{ target: ".running", actions: "armDeadline" },
            ],
            "found.nothing"`,
  },
  {
    name: "the key is released at shutdown before the handler is aborted",
    breaks: "G6",
    scope: shutdown,
    find: `              target: "#dedupKey.expired.dispatching.removing",
              actions: abortHandler("shutdown"),`,
    replace: `              target: "#dedupKey.expired.dispatching.removing",`,
  },
  {
    name: "a dispatch that no other holder superseded is reported as superseded",
    breaks: "G8",
    scope: noFaults,
    find: `on: { "found.nothing": { target: "#dedupKey.expired.committing", actions: "forgetRevision" } },`,
    replace: `on: { "found.nothing": { target: "#dedupKey.superseded", actions: settle("superseded") } },`,
  },
  {
    name: "an earlier holder of the key counts as a later one",
    breaks: "G8",
    scope: scopeOf(2, { "stale read": 1, "false refusal": 1 }),
    find: `  { guard: "isOlder", target: ".backingOff", actions: "restoreRevision" },
  { target: "#dedupKey.superseded"`,
    replace: `  { target: "#dedupKey.superseded"`,
  },
  {
    name: "the key of a late success is released",
    breaks: "G8",
    scope: noFaults,
    find: `"handler.succeeded": "committing",
            "handler.failed": [`,
    replace: `"handler.succeeded": "releasing",
            "handler.failed": [`,
  },
  {
    name: "a commit that met a conflict is reported as confirmed",
    breaks: "G9",
    scope: noFaults,
    ...changes.conflictConfirmed,
  },
  {
    name: "a holder takes its own commit for another holder's",
    breaks: "G9",
    scope: trouble,
    find: `"found.own.commit": { target: "#dedupKey.committed", actions: ["noteRevision", settle(as)] },`,
    replace: `"found.own.commit": { target: "#dedupKey.superseded", actions: settle("superseded") },`,
  },
  {
    name: "an unconfirmed commit is reported as confirmed",
    breaks: "G9",
    scope: trouble,
    ...changes.unconfirmedConfirmed,
  },
  {
    name: "a commit is retried although no time is left",
    breaks: "G9",
    scope: trouble,
    find: `              target: "#dedupKey.unconfirmed",
              actions: settle("unconfirmed"),`,
    replace: `              target: "writing",`,
  },
  {
    name: "every fence is the same",
    breaks: "G5",
    scope: crash,
    ...changes.oneFence,
  },
  {
    name: "a renewal changes the fence",
    breaks: "G5",
    scope: noFaults,
    find: `    newest: Math.max(context.newest, revisionIn(event)),
  }),`,
    replace: `    newest: Math.max(context.newest, revisionIn(event)),
    fence: revisionIn(event),
  }),`,
  },
  {
    name: "a handler is started again by a claim that was acknowledged twice",
    breaks: "G1",
    scope: noFaults,
    find: `"write.acked": { target: "running", actions: ["noteRevision", "armDeadline"] },`,
    replace: `"write.acked": { target: "running", actions: ["noteRevision", "armDeadline", "startHandler"] },`,
  },
];
