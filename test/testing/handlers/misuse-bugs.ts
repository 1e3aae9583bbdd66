import { Deduplicator, StoreUnavailableError } from "../../../src/index.ts";
import type { HandlerUnderTest, Replica, Reply } from "../../../src/testing/index.ts";
import type { PlantedBug } from "./planted-bug.ts";

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

const clearsAfterSuccess: HandlerUnderTest = (replica) => {
  const dedup = new Deduplicator({ ...replica, leaseMs });
  return async ({ event }) => {
    const outcome = await dedup.guard(of(event), (reservation) => replica.effect(event, reservation));
    if (outcome.outcome === "dispatched") await dedup.clear(of(event));
    return outcome;
  };
};

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

/** Returns a handler that guards each event, and answers as `reply` says. */
function answering(
  dispatch: (
    replica: Replica,
    event: string,
    reservation: { readonly fence: number; readonly signal: AbortSignal },
  ) => Promise<void>,
): HandlerUnderTest {
  return (replica) => {
    const dedup = new Deduplicator({ ...replica, leaseMs });
    return ({ event }) => dedup.guard(of(event), (reservation) => dispatch(replica, event, reservation));
  };
}

const givesUpWaiting: HandlerUnderTest = (replica) => {
  const dedup = new Deduplicator({ ...replica, leaseMs });
  return async ({ event }) => {
    const waiting = new AbortController();
    replica.clock.schedule(1_000, () => waiting.abort(new Error("waited long enough")));
    const work = (reservation: Reservation): Promise<void> => replica.effect(event, reservation);
    try {
      await dedup.guard(of(event), work, { onPending: "wait", signal: waiting.signal });
    } catch (error) {
      if (!waiting.signal.aborted) throw error;
    }
    return { outcome: "dispatched" };
  };
};

const acknowledgesUnavailableStore: HandlerUnderTest = (replica) => {
  const handle = guarding((event) => event)(replica);
  return async (delivery) => {
    try {
      return await handle(delivery);
    } catch (error) {
      if (error instanceof StoreUnavailableError) return { outcome: "duplicate" };
      throw error;
    }
  };
};

const dispatchesWithoutStore: HandlerUnderTest = (replica) => {
  const handle = guarding((event) => event)(replica);
  return async (delivery): Promise<Reply> => {
    try {
      return (await handle(delivery)) ?? { outcome: "dispatched" };
    } catch (error) {
      if (!(error instanceof StoreUnavailableError)) throw error;
      await replica.effect(delivery.event);
      return { outcome: "dispatched" };
    }
  };
};

const followsUpDuplicates: HandlerUnderTest = (replica) => {
  const dedup = new Deduplicator({ ...replica, leaseMs });
  return async ({ event }) => {
    const outcome = await dedup.guard(of(event), (reservation) => replica.effect(event, reservation));
    if (outcome.outcome === "pending") return outcome;
    await replica.effect(event, { name: "confirmation" });
    return { outcome: outcome.outcome };
  };
};

const acknowledgesFirst: HandlerUnderTest = (replica) => {
  const dedup = new Deduplicator({ ...replica, leaseMs });
  return async ({ event }) => {
    void dedup.guard(of(event), (reservation) => replica.effect(event, reservation)).catch(() => {});
  };
};

const guardsTwice: HandlerUnderTest = (replica) => {
  const dedup = new Deduplicator({ ...replica, leaseMs });
  return ({ event }) =>
    dedup.guard(of(event), async () => {
      await dedup.guard(of(event), (reservation) => replica.effect(event, reservation));
    });
};

const acknowledgesAborts = answering(async (replica, event, reservation) => {
  try {
    await replica.effect(event, reservation);
  } catch (error) {
    if (!reservation.signal.aborted) throw error;
  }
});

const losesSecondEffect = answering(async (replica, event, { fence, signal }) => {
  await replica.effect(event, { fence, signal, name: "charge" });
  void replica.effect(event, { fence, signal, name: "email" }).catch(() => {});
});

const racesItsEffects = answering(async (replica, event, { fence, signal }) => {
  await Promise.race(["charge", "email"].map((name) => replica.effect(event, { fence, signal, name })));
});

const hidesFailures = answering(async (replica, event, { fence, signal }) => {
  await Promise.allSettled(["charge", "email"].map((name) => replica.effect(event, { fence, signal, name })));
});

const namesItsProcess = guarding((event, _count, { owner }) => `${owner} ${event}`);

const namesTheTime = guarding((event, _count, { clock }) => `${Math.floor(clock.wallMs() / 10_000)} ${event}`);

const skipsFirstDeliveries: HandlerUnderTest = (replica) => {
  const handle = guarding((event) => event)(replica);
  return async (delivery): Promise<Reply> => {
    if (delivery.count > 1) return (await handle(delivery)) ?? { outcome: "dispatched" };
    await replica.effect(delivery.event);
    return { outcome: "dispatched" };
  };
};

/** One variable for all deliveries of a process. */
const sharesReservation: HandlerUnderTest = (replica) => {
  const dedup = new Deduplicator({ ...replica, leaseMs });
  let current: Reservation | undefined;
  return async ({ event }) => {
    const decision = await dedup.reserve(of(event));
    if (decision.decision !== "unseen") return { outcome: decision.decision };
    current = decision;
    await dispatchOrRelease(decision, event, replica);
    await current.commit();
    return { outcome: "dispatched" };
  };
};

const cachesPending: HandlerUnderTest = (replica) => {
  const handle = guarding((event) => event)(replica);
  const answers = new Map<string, Reply>();
  return async (delivery) => {
    const known = answers.get(delivery.event);
    if (known !== undefined) return known;
    const reply = (await handle(delivery)) ?? { outcome: "dispatched" };
    if (reply.outcome === "pending") answers.set(delivery.event, { outcome: "pending" });
    return reply;
  };
};

const fencesWithCount: HandlerUnderTest = (replica) => {
  const dedup = new Deduplicator({ ...replica, leaseMs });
  return ({ event, count }) => dedup.guard(of(event), () => replica.effect(event, { fence: count }));
};

const releasesOnTimeout: HandlerUnderTest = (replica) => {
  const dedup = new Deduplicator({ ...replica, leaseMs });
  return async ({ event }) => {
    const decision = await dedup.reserve(of(event));
    if (decision.decision !== "unseen") return { outcome: decision.decision };
    const timeout = new Promise<"timeout">((resolve) => {
      replica.clock.schedule(leaseMs / 2, () => resolve("timeout"));
    });
    const result = await Promise.race([replica.effect(event, { fence: decision.fence }), timeout]).catch(
      () => "failed" as const,
    );
    if (result !== undefined) {
      await decision.release();
      return { outcome: "pending" };
    }
    await decision.commit();
    return { outcome: "dispatched" };
  };
};

const blamesTheStore: HandlerUnderTest = (replica) => {
  const dedup = new Deduplicator({ ...replica, leaseMs });
  return ({ event }) =>
    dedup.guard(of(event), async (reservation) => {
      try {
        return await replica.effectOnce(event, reservation, () => "receipt");
      } catch (cause) {
        throw new StoreUnavailableError("The database failed", { ambiguous: true, cause });
      }
    });
};

export const misuseBugs: readonly PlantedBug[] = [
  {
    name: "releases after success",
    source: "symfony/symfony#61917",
    handler: releasesAfterSuccess,
    breaks: "G3",
    why: /^R1 acknowledged E1 after releasing its reservation instead of committing it/,
  },
  {
    name: "forgets to commit",
    source: "misuse of `reserve`",
    handler: forgetsToCommit,
    breaks: "G3",
    why: /^R1 acknowledged E1 without committing its reservation/,
  },
  {
    name: "does not await its commit",
    source: "misuse of `commit`",
    handler: doesNotAwaitCommit,
    breaks: "G3",
    why: /^R1 acknowledged E1 before the store had confirmed its commit/,
  },
  {
    name: "neither commits nor releases",
    source: "misuse of `reserve`",
    handler: neitherCommitsNorReleases,
    breaks: "G3",
    why: /^R1 acknowledged E1 without committing its reservation/,
  },
  {
    name: "keeps its reservation after a failed dispatch",
    source: "aws-powertools/powertools-lambda#53",
    handler: keepsReservationAfterFailure,
    breaks: "G4",
    why: /^R1 kept renewing its reservation of E1 after it had answered the delivery in line \d+/,
  },
  {
    name: "commits before its effect",
    source: "aws-powertools/powertools-lambda-python#3821",
    handler: commitsBeforeItsEffect,
    breaks: "G3",
    why: /^R1 began the effect of E1 after R1 had committed it/,
  },
  {
    name: "commits in a finally block",
    source: "symfony/symfony#64070",
    handler: commitsInFinally,
    breaks: "G2",
    why: /its effect had not succeeded/,
  },
  {
    name: "acknowledges a pending key",
    source: "matutetandil/mycel#71",
    handler: acknowledgesPending,
    breaks: "G2",
    why: /^R2 acknowledged E1/,
  },
  {
    name: "swallows the error of its effect",
    source: "misuse of `guard`",
    handler: swallowsErrors,
    breaks: "G2",
    why: /effect had not succeeded/,
  },
  {
    name: "acknowledges whatever it throws",
    source: "misuse of `guard`",
    handler: acknowledgesErrors,
    breaks: "G2",
    why: /^R1 acknowledged E1/,
  },
  {
    name: "does not await its effect",
    source: "misuse of `guard`",
    handler: doesNotAwaitEffect,
    breaks: "G2",
    why: /^R1 acknowledged E1/,
  },
  {
    name: "gives its effect no signal",
    source: "OptimalBits/bull#1310",
    handler: ignoresItsSignal,
    breaks: "G5",
    why: /began the effect of E1 with fence/,
  },
  {
    name: "adds the number of the delivery to the event id",
    source: "misuse of `guard`",
    handler: guarding((event, count) => `${event}-${count}`),
    breaks: "G1",
    why: /began the effect of E1 while/,
  },
  {
    name: "generates random event ids",
    source: "trigger.dev#4914",
    handler: guarding((_event, _count, { newId }) => newId()),
    breaks: "G1",
    why: /^R2 began the effect of E1 while/,
  },
  {
    name: "uses one id for all events",
    source: "aws-powertools/powertools-lambda-typescript#1501",
    handler: guarding(() => "event"),
    breaks: "G2",
    why: /acknowledged E\d, and no effect had begun for it/,
  },
  {
    name: "acknowledges although a subscription is pending",
    source: "matutetandil/mycel#71",
    handler: skipsPendingSubscription,
    breaks: "G2",
    why: /acknowledged E1/,
  },
  {
    name: "forgets to commit its second subscription",
    source: "misuse of `reserve`",
    handler: forgetsSecondCommit,
    breaks: "G3",
    why: /^R1 acknowledged E1 without committing its reservation/,
  },
  {
    name: "acknowledges when it gives up waiting",
    source: "aws-powertools/powertools-lambda-python#2490",
    handler: givesUpWaiting,
    breaks: "G2",
    why: /acknowledged E1/,
  },
  {
    name: "takes an unavailable store for a duplicate",
    source: "idempot-js#181",
    handler: acknowledgesUnavailableStore,
    breaks: "G2",
    why: /acknowledged E1/,
  },
  {
    name: "dispatches while the store is unreachable",
    source: "openmeter#4485",
    handler: dispatchesWithoutStore,
    breaks: "G3",
    why: /began the effect of E1 after/,
  },
  {
    name: "follows up on duplicates",
    source: "matutetandil/mycel#71",
    handler: followsUpDuplicates,
    breaks: "G3",
    why: /began the confirmation of E1/,
  },
  {
    name: "acknowledges before it dispatches",
    source: "apache/pulsar#5218",
    handler: acknowledgesFirst,
    breaks: "G2",
    why: /acknowledged E1/,
  },
  {
    name: "guards one event twice",
    source: "aws-powertools/powertools-lambda-typescript#5707",
    handler: guardsTwice,
    breaks: "G2",
    why: /acknowledged E1/,
  },
  {
    name: "acknowledges an aborted dispatch",
    source: "TeamWarp/effect-mq#11",
    handler: acknowledgesAborts,
    breaks: "G2",
    why: /acknowledged E1/,
  },
  {
    name: "does not await its second effect",
    source: "misuse of `guard`",
    handler: losesSecondEffect,
    breaks: "G3",
    why: /began the email of E1 after R1 had committed it/,
  },
  {
    name: "commits when the first of two effects ends",
    source: "misuse of `guard`",
    handler: racesItsEffects,
    breaks: "G3",
    why: /began the charge of E1 after R1 had committed it/,
  },
  {
    name: "hides the failures of its effects",
    source: "misuse of `guard`",
    handler: hidesFailures,
    breaks: "G2",
    why: /acknowledged E1/,
  },
  {
    name: "reports the failure of its transaction as one of the store",
    source: "misuse of `guard`",
    handler: blamesTheStore,
    breaks: "G7",
    why: /the effect of E1 failed, but R\d'? got the store's error instead/,
  },
  {
    name: "puts the name of its process into the event id",
    source: "aws-powertools/powertools-lambda-typescript#3515",
    handler: namesItsProcess,
    breaks: "G1",
    why: /began the effect of E1 while/,
  },
  {
    name: "puts the time into the event id",
    source: "aws-powertools/powertools-lambda-python#5897",
    handler: namesTheTime,
    breaks: "G1",
    why: /began the effect of E1 while/,
  },
  {
    name: "guards only redeliveries",
    source: "misuse of `guard`",
    handler: skipsFirstDeliveries,
    breaks: "G3",
    why: /began the effect of E1/,
  },
  {
    name: "shares one variable among deliveries",
    source: "aws-powertools/powertools-lambda-python#1718",
    handler: sharesReservation,
    breaks: "G3",
    why: /acknowledged E/,
  },
  {
    name: "remembers that a key was pending",
    source: "aws-powertools/powertools-lambda-typescript#2309",
    handler: cachesPending,
    breaks: "G4",
    why: /E1/,
  },
  {
    name: "fences with the number of the delivery",
    source: "awslabs/amazon-dynamodb-lock-client#62",
    handler: fencesWithCount,
    breaks: "G3",
    why: /began the effect of E1/,
  },
  {
    name: "clears its key after success",
    source: "symfony/symfony#61917",
    handler: clearsAfterSuccess,
    breaks: "G3",
    why: /the commit of E1 \(revision 2\) was removed/,
  },
  {
    name: "releases after a timeout while its effect continues",
    source: "OptimalBits/bull#1310",
    handler: releasesOnTimeout,
    breaks: "G5",
    why: /removed while the effect on R1 was running/,
  },
];
