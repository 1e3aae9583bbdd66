import { Deduplicator, PermanentError } from "../../../src/index.ts";
import type { HandlerUnderTest, Scope } from "../../../src/testing/index.ts";

/** A handler in which the judge must find nothing. */
export interface CorrectHandler {
  readonly name: string;
  readonly handler: HandlerUnderTest;
  readonly scope?: Scope;
}

import { claimsWithLeaseAndFence } from "./own-deduplicator-bugs.ts";

const leaseMs = 5_000;
const of = (event: string, subscriptionId = "billing") => ({ subscriptionId, eventId: event });

/** Returns a handler that guards each delivery under another event id than the simulation's. */
function guardingAs(eventIdOf: (event: string) => string): HandlerUnderTest {
  return (replica) => {
    const dedup = new Deduplicator({ ...replica, leaseMs });
    return ({ event }) => dedup.guard(of(eventIdOf(event)), (reservation) => replica.effect(event, reservation));
  };
}

const withoutFence: HandlerUnderTest = (replica) => {
  const dedup = new Deduplicator({ ...replica, leaseMs });
  return ({ event }) => dedup.guard(of(`evt-${event}`), ({ signal }) => replica.effect(event, { signal }));
};

const sequentialSubscriptions: HandlerUnderTest = (replica) => {
  const dedup = new Deduplicator({ ...replica, leaseMs });
  return async ({ event }) => {
    for (const subscription of ["billing", "shipping"]) {
      const outcome = await dedup.guard(of(event, subscription), (reservation) => replica.effect(event, reservation));
      if (outcome.outcome === "pending") return outcome;
    }
    return { outcome: "dispatched" };
  };
};

const concurrentSubscriptions: HandlerUnderTest = (replica) => {
  const dedup = new Deduplicator({ ...replica, leaseMs });
  return async ({ event }) => {
    const guards = ["billing", "shipping"].map((subscription) =>
      dedup.guard(of(event, subscription), (reservation) => replica.effect(event, reservation)),
    );
    // If one guard fails, the other still runs: the delivery may only be answered after both.
    await Promise.allSettled(guards);
    const outcomes = await Promise.all(guards);
    return outcomes.find(({ outcome }) => outcome === "pending") ?? { outcome: "dispatched" };
  };
};

const manualReservation: HandlerUnderTest = (replica) => {
  const dedup = new Deduplicator({ ...replica, leaseMs });
  return async ({ event }) => {
    const decision = await dedup.reserve(of(event));
    if (decision.decision === "duplicate") return { outcome: "duplicate" };
    if (decision.decision === "pending") return { outcome: "pending", retryAfterMs: decision.retryAfterMs };
    try {
      await replica.effect(event, decision);
    } catch (error) {
      await decision.release();
      throw error;
    }
    const { commit } = await decision.commit();
    return { outcome: "dispatched", commit };
  };
};

/** Does not pass the result of its commit on to the broker. */
const silentCommit: HandlerUnderTest = (replica) => {
  const dedup = new Deduplicator({ ...replica, leaseMs });
  return async ({ event }) => {
    const decision = await dedup.reserve(of(event));
    if (decision.decision !== "unseen") return { outcome: decision.decision };
    try {
      await replica.effect(event, decision);
    } catch {
      await decision.release();
      return { outcome: "pending" };
    }
    await decision.commit();
    return undefined;
  };
};

const awaitUsing: HandlerUnderTest = (replica) => {
  const dedup = new Deduplicator({ ...replica, leaseMs });
  return async ({ event }) => {
    const decision = await dedup.reserve(of(event));
    if (decision.decision === "duplicate") return { outcome: "duplicate" };
    if (decision.decision === "pending") return { outcome: "pending" };
    await using reservation = decision;
    await replica.effect(event, reservation);
    await reservation.commit();
    return { outcome: "dispatched" };
  };
};

const waiting: HandlerUnderTest = (replica) => {
  const dedup = new Deduplicator({ ...replica, leaseMs });
  return ({ event }) =>
    dedup.guard(of(event), (reservation) => replica.effect(event, reservation), { onPending: "wait" });
};

const replayedResult: HandlerUnderTest = (replica) => {
  const dedup = new Deduplicator({ ...replica, leaseMs, keepResults: true });
  return async ({ event }) => {
    const outcome = await dedup.guard(of(event), (reservation) => replica.effect(event, reservation, () => "receipt"));
    if (outcome.outcome === "pending") return outcome;
    return { outcome: outcome.outcome };
  };
};

const withoutReply: HandlerUnderTest = (replica) => {
  const dedup = new Deduplicator({ ...replica, leaseMs });
  return async ({ event }) => {
    const { outcome } = await dedup.guard(of(`github:${event}`), (reservation) => replica.effect(event, reservation));
    if (outcome === "pending") throw new Error("try again later");
  };
};

const severalEffects: HandlerUnderTest = (replica) => {
  const dedup = new Deduplicator({ ...replica, leaseMs });
  return ({ event }) =>
    dedup.guard(of(event), async ({ fence, signal }) => {
      await replica.effect(event, { fence, signal, name: "charge" });
      await replica.effect(event, { fence, signal, name: "email" });
    });
};

/** Handles one delivery at a time across all events. */
const oneAtATime: HandlerUnderTest = (replica) => {
  const dedup = new Deduplicator({ ...replica, leaseMs });
  let last: Promise<unknown> = Promise.resolve();
  return ({ event }) => {
    const next = last.then(() => dedup.guard(of(`evt-${event}`), (reservation) => replica.effect(event, reservation)));
    last = next.catch(() => {});
    return next;
  };
};

const shortWindow: HandlerUnderTest = (replica) => {
  const dedup = new Deduplicator({ ...replica, leaseMs, windowMs: 1_000 });
  return ({ event }) => dedup.guard(of(`evt-${event}`), (reservation) => replica.effect(event, reservation));
};

const ownName: HandlerUnderTest = (replica) => {
  const dedup = new Deduplicator({ ...replica, leaseMs, owner: `pod-of-${replica.owner}` });
  return ({ event }) => dedup.guard(of(event), (reservation) => replica.effect(event, reservation));
};

/** Releases before it naks, as a consumer does, and treats one error as permanent. */
const consumerStyle: HandlerUnderTest = (replica) => {
  const dedup = new Deduplicator({ ...replica, leaseMs });
  return async ({ event, count }) => {
    try {
      const outcome = await dedup.guard(
        of(JSON.stringify(["/orders", event])),
        (reservation) => replica.effect(event, reservation),
        { attempt: count },
      );
      return outcome.outcome === "pending" ? { outcome: "pending", retryAfterMs: outcome.retryAfterMs } : outcome;
    } catch (error) {
      if (error instanceof PermanentError) return { outcome: "dispatched" };
      throw error;
    }
  };
};

/** Its own deduplicator: fences its commit, and stops its effect at the end of the lease. */
const fencedKv: HandlerUnderTest =
  ({ kv, clock, effect }) =>
  async ({ event }) => {
    const lease = new AbortController();
    const cancel = clock.schedule(8_000, () => lease.abort(new Error("the lease ended")));
    try {
      const claim = await kv.put(event, "pending", { expected: 0, ttlMs: 10_000 });
      if (!claim.ok) return { outcome: (await kv.get(event))?.value === "done" ? "duplicate" : "pending" };
      await effect(event, { signal: lease.signal, fence: claim.revision });
      const commit = await kv.put(event, "done", { expected: claim.revision });
      return commit.ok ? { outcome: "dispatched" } : { outcome: "dispatched", commit: "superseded" };
    } finally {
      cancel();
    }
  };

const fingerprinting: HandlerUnderTest = (replica) => {
  const dedup = new Deduplicator({ ...replica, leaseMs });
  return ({ event }) =>
    dedup.guard(of(event), (reservation) => replica.effect(event, reservation), { fingerprint: `payload of ${event}` });
};

const transactional: HandlerUnderTest = (replica) => {
  const dedup = new Deduplicator({ ...replica, leaseMs });
  return ({ event }) =>
    dedup.guard(of(event), (reservation) => replica.effectOnce(event, reservation, () => "receipt"));
};

/** A transaction whose answer was lost finds its marker when it is repeated. */
const repeatsTransaction: HandlerUnderTest = (replica) => {
  const dedup = new Deduplicator({ ...replica, leaseMs });
  return ({ event }) =>
    dedup.guard(of(event), (reservation) => {
      const charge = () => replica.effectOnce(event, reservation, () => "receipt");
      return charge().catch(charge);
    });
};

/** A copy that arrives while the process dispatches the event waits for that dispatch, and gets its outcome. */
const sharesDispatch: HandlerUnderTest = (replica) => {
  const dedup = new Deduplicator({ ...replica, leaseMs });
  const running = new Map<string, ReturnType<typeof dedup.guard<void>>>();
  return ({ event }) => {
    const shared = running.get(event);
    if (shared !== undefined) return shared;
    const guard = () => dedup.guard(of(event), (reservation) => replica.effect(event, reservation));
    const dispatch = guard()
      .catch(guard)
      .finally(() => running.delete(event));
    running.set(event, dispatch);
    return dispatch;
  };
};

export const correctHandlers: readonly CorrectHandler[] = [
  { name: "guards with a prefixed event id", handler: guardingAs((event) => `evt-${event}`) },
  { name: "guards with the id of a CloudEvent", handler: guardingAs((event) => JSON.stringify(["/github", event])) },
  { name: "guards several events at once", handler: guardingAs((event) => `evt-${event}`), scope: { events: 2 } },
  { name: "gives its effect no fence", handler: withoutFence, scope: { events: 2 } },
  { name: "guards two subscriptions one after another", handler: sequentialSubscriptions },
  { name: "guards two subscriptions at once", handler: concurrentSubscriptions },
  { name: "reserves, and passes on the result of its commit", handler: manualReservation },
  { name: "reserves, and does not pass on the result of its commit", handler: silentCommit },
  { name: "disposes its reservation", handler: awaitUsing },
  { name: "waits for a pending key", handler: waiting },
  { name: "keeps results", handler: replayedResult },
  { name: "gives no reply", handler: withoutReply },
  { name: "runs two effects", handler: severalEffects },
  { name: "handles one delivery at a time", handler: oneAtATime, scope: { events: 2 } },
  { name: "lets its window end", handler: shortWindow },
  { name: "chooses its own owner", handler: ownName },
  { name: "answers like a consumer", handler: consumerStyle },
  { name: "runs its effect in a transaction", handler: transactional },
  { name: "repeats a transaction that failed", handler: repeatsTransaction },
  { name: "passes a fingerprint", handler: fingerprinting },
  { name: "shares one dispatch among deliveries, and tries twice", handler: sharesDispatch, scope: { events: 2 } },
  // After a freeze its timers are late, and unlike Latchkey it does not look at the clock before it begins an effect.
  { name: "claims with a lease and a fence", handler: claimsWithLeaseAndFence, scope: { freezes: 0 } },
  { name: "fences a deduplicator of its own", handler: fencedKv },
];
