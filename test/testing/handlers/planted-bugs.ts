import { Deduplicator } from "../../../src/index.ts";
import type { Guarantee, HandlerUnderTest, Replica, Scope } from "../../../src/testing/index.ts";

/** A handler with a bug, and what the judge must find first in its smallest counterexample. */
export interface PlantedBug {
  readonly name: string;
  readonly handler: HandlerUnderTest;
  readonly breaks: Guarantee;
  readonly why: RegExp;
  readonly scope?: Scope;
}

const leaseMs = 5_000;
const of = (event: string, subscriptionId = "billing") => ({ subscriptionId, eventId: event });

type Reservation = Extract<Awaited<ReturnType<Deduplicator["reserve"]>>, { readonly decision: "unseen" }>;

/** Returns a handler that reserves each event and answers correctly unless it holds the key. */
function reserving(
  dispatch: (reservation: Reservation, event: string, replica: Replica) => Promise<void>,
): HandlerUnderTest {
  return (replica) => {
    const dedup = new Deduplicator({ ...replica, leaseMs });
    return async ({ event }) => {
      const decision = await dedup.reserve(of(`evt-${event}`));
      if (decision.decision !== "unseen") return { outcome: decision.decision };
      await dispatch(decision, event, replica);
      return { outcome: "dispatched" };
    };
  };
}

/** Returns a handler that guards each event under the id that `eventIdOf` returns. */
function guarding(eventIdOf: (event: string, count: number, replica: Replica) => string): HandlerUnderTest {
  return (replica) => {
    const dedup = new Deduplicator({ ...replica, leaseMs });
    return ({ event, count }) =>
      dedup.guard(of(eventIdOf(event, count, replica)), (reservation) => replica.effect(event, reservation));
  };
}

/** Runs an effect, and releases the reservation if it fails. */
async function dispatchOrRelease(reservation: Reservation, event: string, { effect }: Replica): Promise<void> {
  try {
    await effect(event, reservation);
  } catch (error) {
    await reservation.release();
    throw error;
  }
}

const releasesAfterSuccess = reserving(async (reservation, event, replica) => {
  await dispatchOrRelease(reservation, event, replica);
  await reservation.release();
});

const forgetsToCommit = reserving(dispatchOrRelease);

const doesNotAwaitCommit = reserving(async (reservation, event, replica) => {
  await dispatchOrRelease(reservation, event, replica);
  void reservation.commit().catch(() => {});
});

const neitherCommitsNorReleases = reserving(async (reservation, event, { effect }) => {
  await effect(event, reservation);
});

const keepsReservationAfterFailure = reserving(async (reservation, event, { effect }) => {
  await effect(event, reservation);
  await reservation.commit();
});

const commitsBeforeItsEffect = reserving(async (reservation, event, { effect }) => {
  await reservation.commit();
  await effect(event, reservation);
});

const commitsInFinally = reserving(async (reservation, event, { effect }) => {
  try {
    await effect(event, reservation).catch(() => {});
  } finally {
    await reservation.commit();
  }
});

const acknowledgesPending: HandlerUnderTest = (replica) => {
  const dedup = new Deduplicator({ ...replica, leaseMs });
  return async ({ event }) => {
    await dedup.guard(of(`evt-${event}`), (reservation) => replica.effect(event, reservation));
  };
};

const swallowsErrors: HandlerUnderTest = (replica) => {
  const dedup = new Deduplicator({ ...replica, leaseMs });
  return ({ event }) =>
    dedup.guard(of(event), async (reservation) => {
      await replica.effect(event, reservation).catch(() => {});
    });
};

const acknowledgesErrors: HandlerUnderTest = (replica) => {
  const handle = guarding((event) => event)(replica);
  return (delivery) => handle(delivery).catch(() => {});
};

const doesNotAwaitEffect: HandlerUnderTest = (replica) => {
  const dedup = new Deduplicator({ ...replica, leaseMs });
  return ({ event }) =>
    dedup.guard(of(event), (reservation) => {
      void replica.effect(event, reservation).catch(() => {});
    });
};

const ignoresItsSignal: HandlerUnderTest = (replica) => {
  const dedup = new Deduplicator({ ...replica, leaseMs });
  return ({ event }) => dedup.guard(of(`evt-${event}`), ({ fence }) => replica.effect(event, { fence }));
};

const skipsPendingSubscription: HandlerUnderTest = (replica) => {
  const dedup = new Deduplicator({ ...replica, leaseMs });
  return async ({ event }) => {
    for (const subscription of ["billing", "shipping"]) {
      await dedup.guard(of(event, subscription), (reservation) => replica.effect(event, reservation));
    }
  };
};

const forgetsSecondCommit: HandlerUnderTest = (replica) => {
  const dedup = new Deduplicator({ ...replica, leaseMs });
  return async ({ event }) => {
    const first = await dedup.guard(of(event), (reservation) => replica.effect(event, reservation));
    if (first.outcome === "pending") return first;
    const second = await dedup.reserve(of(event, "shipping"));
    if (second.decision !== "unseen") return { outcome: second.decision };
    await dispatchOrRelease(second, event, replica);
    return { outcome: "dispatched" };
  };
};

const remembersInMemory: HandlerUnderTest = ({ effect }) => {
  const seen = new Set<string>();
  return async ({ event }) => {
    if (seen.has(event)) return { outcome: "duplicate" };
    await effect(event);
    seen.add(event);
    return { outcome: "dispatched" };
  };
};

export const plantedBugs: readonly PlantedBug[] = [
  {
    name: "releases after success",
    handler: releasesAfterSuccess,
    breaks: "G3",
    why: /^R1 acknowledged E1 after releasing its reservation instead of committing it/,
  },
  {
    name: "forgets to commit",
    handler: forgetsToCommit,
    breaks: "G3",
    why: /^R1 acknowledged E1 without committing its reservation/,
  },
  {
    name: "does not await its commit",
    handler: doesNotAwaitCommit,
    breaks: "G3",
    why: /^R1 acknowledged E1 before the store had confirmed its commit/,
  },
  {
    name: "neither commits nor releases",
    handler: neitherCommitsNorReleases,
    breaks: "G3",
    why: /^R1 acknowledged E1 without committing its reservation/,
  },
  {
    name: "keeps its reservation after a failed dispatch",
    handler: keepsReservationAfterFailure,
    breaks: "G4",
    why: /^R1 kept renewing its reservation of E1 after it had answered the delivery in line \d+/,
  },
  {
    name: "commits before its effect",
    handler: commitsBeforeItsEffect,
    breaks: "G3",
    why: /^R1 began the effect of E1 after R1 had committed it/,
  },
  { name: "commits in a finally block", handler: commitsInFinally, breaks: "G2", why: /its effect had not succeeded/ },
  { name: "acknowledges a pending key", handler: acknowledgesPending, breaks: "G2", why: /^R2 acknowledged E1/ },
  { name: "swallows the error of its effect", handler: swallowsErrors, breaks: "G2", why: /effect had not succeeded/ },
  { name: "acknowledges whatever it throws", handler: acknowledgesErrors, breaks: "G2", why: /^R1 acknowledged E1/ },
  { name: "does not await its effect", handler: doesNotAwaitEffect, breaks: "G2", why: /^R1 acknowledged E1/ },
  {
    name: "gives its effect no signal",
    handler: ignoresItsSignal,
    breaks: "G5",
    why: /^R1 began the effect of E1 with fence 1, after R2 had begun it with fence 2/,
    scope: { clockJumps: 1 },
  },
  {
    name: "adds the number of the delivery to the event id",
    handler: guarding((event, count) => `${event}-${count}`),
    breaks: "G3",
    why: /began the effect of E1 after it had been acknowledged/,
  },
  {
    name: "makes up its event ids",
    handler: guarding((_event, _count, { newId }) => newId()),
    breaks: "G1",
    why: /^R2 began the effect of E1 while/,
  },
  {
    name: "uses one id for all events",
    handler: guarding(() => "event"),
    breaks: "G2",
    why: /acknowledged E\d, and no effect had begun for it/,
    scope: { events: 2, deliveries: 1 },
  },
  {
    name: "acknowledges although a subscription is pending",
    handler: skipsPendingSubscription,
    breaks: "G2",
    why: /acknowledged E1/,
  },
  {
    name: "forgets to commit its second subscription",
    handler: forgetsSecondCommit,
    breaks: "G3",
    why: /^R1 acknowledged E1 without committing its reservation/,
  },
  {
    name: "remembers events in memory",
    handler: remembersInMemory,
    breaks: "G3",
    why: /^R2 began the effect of E1 after it had been acknowledged/,
  },
];
