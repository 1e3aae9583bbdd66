import { changes } from "../support/machine-changes.ts";
import type { Guarantee } from "./register.ts";
import { type Scope, scopeOf } from "./scope.ts";

/** The machine with one thing wrong, as a change of its text. */
export interface Mutant {
  readonly name: string;
  readonly breaks: Guarantee;
  readonly scope: Scope;
  readonly find: string;
  readonly replace: string;
}

const calm = scopeOf(2, {});
const crash = scopeOf(2, { crash: 1 });
const trouble = scopeOf(2, { trouble: 1 });
const shutdown = scopeOf(2, { shutdown: 1 });

export const mutants: readonly Mutant[] = [
  {
    name: "a commit is written over another holder's reservation",
    breaks: "G5",
    scope: calm,
    ...changes.commitOverReservation,
  },
  {
    name: "a commit is written over another's commit",
    breaks: "G3",
    scope: calm,
    find: `"found.commit": takenUnlessOlder,`,
    replace: `"found.commit": { target: ".writing", actions: "noteRevision" },`,
  },
  {
    name: "a release removes another holder's reservation",
    breaks: "G5",
    scope: calm,
    ...changes.releaseOfReservation,
  },
  {
    name: "a release removes another's commit",
    breaks: "G3",
    scope: calm,
    find: `"found.commit": releasedUnlessOlder,`,
    replace: `"found.commit": { target: ".removing", actions: "noteRevision" },`,
  },
  {
    name: "a renewal goes on over another holder's reservation",
    breaks: "G6",
    scope: scopeOf(2, { clear: 1 }),
    ...changes.renewalOverReservation,
  },
  {
    name: "a lease is renewed after it has ended",
    breaks: "G5",
    scope: calm,
    find: `                "write.acked": { actions: "noteRevision" },`,
    replace: `                "write.acked": { target: "#dedupKey.reserved.dispatching.renewing", actions: "noteRevision" },`,
  },
  {
    name: "a reservation is claimed before its lease has ended",
    breaks: "G5",
    scope: calm,
    find: `event.type === "found.reservation" && event.ended && context.claims < MOST_CLAIMS,`,
    replace: `event.type === "found.reservation" && context.claims < MOST_CLAIMS,`,
  },
  {
    name: "a claim that was acknowledged after its lease begins a dispatch",
    breaks: "G1",
    scope: scopeOf(2, { slowness: 1 }),
    find: `"late" in event && event.late;`,
    replace: `"late" in event && event.late && event.type !== "write.acked";`,
  },
  {
    name: "a reservation of one's own is taken to last that has ended",
    breaks: "G1",
    scope: scopeOf(2, { slowness: 1, trouble: 1 }),
    find: `"late" in event && event.late;`,
    replace: `"late" in event && event.late && event.type === "write.acked";`,
  },
  {
    name: "a key that is read as free is dispatched without a write",
    breaks: "G10",
    scope: calm,
    ...changes.dispatchOfFreeKey,
  },
  {
    name: "a reservation that has ended is taken over without a write",
    breaks: "G10",
    scope: crash,
    ...changes.takeoverWithoutWrite,
  },
  {
    name: "a claim that timed out is taken for a reservation",
    breaks: "G9",
    scope: trouble,
    ...changes.claimInDoubtHeld,
  },
  {
    name: "a claim that timed out is forgotten, and another one made",
    breaks: "G9",
    scope: trouble,
    find: `inDoubt: context.inDoubt || (event.type === "store.unreachable" && event.ambiguous),`,
    replace: `inDoubt: false && context.inDoubt && event.type === "removed",`,
  },
  {
    name: "the handler runs unprotected although that is not allowed",
    breaks: "G1",
    scope: trouble,
    ...changes.unprotectedAlways,
  },
  {
    name: "a key that another holds is called a duplicate",
    breaks: "G2",
    scope: calm,
    find: `          { guard: "hasEndedAndMayClaimAgain", target: ".claiming", actions: "expectEnded" },
          { target: "pending", actions: settle("pending") },`,
    replace: `          { guard: "hasEndedAndMayClaimAgain", target: ".claiming", actions: "expectEnded" },
          { target: "committed", actions: settle("duplicate") },`,
  },
  {
    name: "a dispatch that failed is committed",
    breaks: "G2",
    scope: calm,
    find: `"handler.failed": "releasing",
            "lease.ended"`,
    replace: `"handler.failed": "committing",
            "lease.ended"`,
  },
  {
    name: "a dispatch that failed is called a success when its key is gone",
    breaks: "G7",
    scope: calm,
    find: `"found.nothing": { target: "#dedupKey.released", actions: settle("released") },`,
    replace: `"found.nothing": { target: "#dedupKey.committed", actions: settle("confirmed") },`,
  },
  {
    name: "the key of a dispatch that failed is called released, and is not",
    breaks: "G7",
    scope: calm,
    find: `"handler.failed": "releasing",
            "lease.ended"`,
    replace: `"handler.failed": { target: "#dedupKey.released", actions: settle("released") },
            "lease.ended"`,
  },
  {
    name: "the key of a dispatch that failed is held for ever",
    breaks: "G4",
    scope: calm,
    find: `"handler.failed": "releasing",
            "lease.ended"`,
    replace: `"lease.ended"`,
  },
  {
    name: "a commit over what is gone is tried again and again",
    breaks: "G4",
    scope: calm,
    find: `{ target: ".writing", actions: "forgetRevision" },`,
    replace: `".writing",`,
  },
  {
    name: "the end of a lease is passed over",
    breaks: "G6",
    scope: calm,
    find: `            "lease.ended": {
              target: "#dedupKey.expired",
              actions: abortHandler("lease-ended"),
            },
`,
    replace: ``,
  },
  {
    name: "a lease counts on although its renewal was not applied",
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
    name: "a dispatch that nobody superseded is called superseded",
    breaks: "G8",
    scope: calm,
    find: `on: { "found.nothing": { target: "#dedupKey.expired.committing", actions: "forgetRevision" } },`,
    replace: `on: { "found.nothing": { target: "#dedupKey.superseded", actions: settle("superseded") } },`,
  },
  {
    name: "who held the key before is taken for one that took it since",
    breaks: "G8",
    scope: scopeOf(2, { "stale read": 1, "false refusal": 1 }),
    find: `  { guard: "isOlder", target: ".backingOff", actions: "restoreRevision" },
  { target: "#dedupKey.superseded"`,
    replace: `  { target: "#dedupKey.superseded"`,
  },
  {
    name: "the key of a dispatch that succeeded late is released",
    breaks: "G8",
    scope: calm,
    find: `"handler.succeeded": "committing",
            "handler.failed": [`,
    replace: `"handler.succeeded": "releasing",
            "handler.failed": [`,
  },
  {
    name: "a commit that met a conflict is called confirmed",
    breaks: "G9",
    scope: calm,
    ...changes.conflictConfirmed,
  },
  {
    name: "a commit of one's own is taken for another's",
    breaks: "G9",
    scope: trouble,
    find: `"found.own.commit": { target: "#dedupKey.committed", actions: ["noteRevision", settle(as)] },`,
    replace: `"found.own.commit": { target: "#dedupKey.superseded", actions: settle("superseded") },`,
  },
  {
    name: "a commit that nobody confirmed is called confirmed",
    breaks: "G9",
    scope: trouble,
    ...changes.unconfirmedConfirmed,
  },
  {
    name: "a commit is tried again when there is no more time",
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
    scope: calm,
    find: `    newest: Math.max(context.newest, revisionIn(event)),
  }),`,
    replace: `    newest: Math.max(context.newest, revisionIn(event)),
    fence: revisionIn(event),
  }),`,
  },
  {
    name: "a handler is started again by a claim that was acknowledged twice",
    breaks: "G1",
    scope: calm,
    find: `"write.acked": { target: "running", actions: ["noteRevision", "armDeadline"] },`,
    replace: `"write.acked": { target: "running", actions: ["noteRevision", "armDeadline", "startHandler"] },`,
  },
];
