/** Bugs as replacements in the text of `machines/dedup-key.ts`, shared by several tests. Each `find` occurs exactly once. */
export const changes = {
  commitOverReservation: {
    find: `"found.reservation": takenUnlessOlder,`,
    replace: `"found.reservation": { target: ".writing", actions: "noteRevision" },`,
  },
  releaseOfReservation: {
    find: `"found.reservation": releasedUnlessOlder,`,
    replace: `"found.reservation": { target: ".removing", actions: "noteRevision" },`,
  },
  renewalOverReservation: {
    find: `"found.reservation": lostUnlessOlder,`,
    replace: `"found.reservation": { target: ".renewing", actions: "noteRevision" },`,
  },
  takeoverWithoutWrite: {
    find: `{ guard: "hasEndedAndMayClaimAgain", target: ".claiming", actions: "expectEnded" },`,
    replace: `{ guard: "hasEndedAndMayClaimAgain", target: "reserved", actions: ["grant", "armDeadline", "startHandler"] },`,
  },
  dispatchOfFreeKey: {
    find: `{ guard: "mayClaimAgain", target: ".claiming", actions: "expectNothing" },`,
    replace: `{ target: "reserved", actions: ["grant", "armDeadline", "startHandler"] },`,
  },
  claimInDoubtHeld: {
    find: `              { guard: "isInDoubt", target: "backingOff", actions: "noteDoubt" },
              {
                guard: "mayDispatchUnprotected",`,
    replace: `              { guard: "isInDoubt", target: "#dedupKey.reserved", actions: ["armDeadline", "startHandler"] },
              {
                guard: "mayDispatchUnprotected",`,
  },
  unprotectedAlways: {
    find: `mayDispatchUnprotected: ({ context }) => context.mayDispatchUnprotected,`,
    replace: `mayDispatchUnprotected: () => true,`,
  },
  conflictConfirmed: {
    find: `            actions: ["noteRevision", settle(as)],
          },
          "write.conflicted": "reading",`,
    replace: `            actions: ["noteRevision", settle(as)],
          },
          "write.conflicted": { target: "#dedupKey.committed", actions: settle(as) },`,
  },
  unconfirmedConfirmed: {
    find: `actions: settle("unconfirmed"),`,
    replace: `actions: settle(as),`,
  },
  oneFence: {
    find: `fence: revisionIn(event),`,
    replace: `fence: 1,`,
  },
} as const satisfies Record<string, { readonly find: string; readonly replace: string }>;
