import { isStoreUnavailable } from "../../src/errors.ts";
import type { Reservation } from "../../src/model/decision.ts";
import type { ResolvedIdentity, StoreKey } from "../../src/model/identity.ts";
import type { Entry } from "../../src/model/store.ts";
import type { NatsStore } from "../../src/nats/index.ts";
import {
  type Check,
  decided,
  Findings,
  LEASE_MS,
  LONG_LEASE_MS,
  type NatsReplica,
  type Scene,
  SHORT_TIMEOUT_MS,
  SKEW_MS,
  untilAvailable,
} from "./nats-guarantees.ts";

/** G7: dispatches throw, with and without a reachable store. The same errors arrive, and the keys become free. */
export const errorSurvives: Check = async (scene) => {
  const found = new Findings();
  const b = await scene.replica("b", { leaseMs: LONG_LEASE_MS });
  const part = async (owner: string, leaseMs: number, disturb: (holder: NatsReplica) => void): Promise<void> => {
    const a = await scene.replica(owner, { leaseMs });
    const of = scene.newEvent();
    const theError = new Error("the dispatch failed");
    Object.freeze(theError);
    const failing = a.dedup.guard(of, () => {
      disturb(a);
      throw theError;
    });
    const thrown: unknown = await failing.catch((error: unknown) => error);
    found.unless(thrown === theError, `G7 another error arrived: ${String(thrown)}`);
    const next = await found.unlessResolved(scene.reserved(b, of));
    found.unless((await next?.commit())?.commit === "confirmed", "G7 the key was not free for another");
  };
  await Promise.all([
    part("failing", LONG_LEASE_MS, () => {}),
    part("failing and cut off", LEASE_MS, ({ proxy }) => proxy.cut()),
    part("failing and unanswered", LEASE_MS, ({ proxy }) => proxy.answers("swallow")),
  ]);
  return found.all;
};

/** G8: dispatches end after their lease, while the event is free, held by another replica or committed by it. */
export const lateSuccess: Check = async (scene) => {
  const found = new Findings();
  const [a, b] = [await scene.replica("a", { renew: false }), await scene.replica("b", { leaseMs: LONG_LEASE_MS })];
  const part = async (
    expected: string,
    owner: string,
    meanwhile: (of: ResolvedIdentity) => Promise<unknown>,
  ): Promise<void> => {
    // Another event each time: the last one may be reserved although the store did not answer.
    const { of, outcome } = await untilAvailable(async () => {
      const event = scene.newEvent();
      const handle = async ({ signal }: Reservation): Promise<void> => {
        await scene.soon("the lease to end", () => signal.aborted);
        await meanwhile(event);
      };
      return { of: event, outcome: await a.dedup.guard(event, handle) };
    });
    const commit = outcome.outcome === "dispatched" ? outcome.commit : outcome.outcome;
    found.unless(commit === expected, `G8 the late commit was ${commit} instead of ${expected}`);
    const stored = await scene.directStore.get(of.storeKey);
    found.unless(stored?.record.owner === owner, `G8 ${String(stored?.record.owner)} has the event`);
  };
  await Promise.all([
    part("adopted", "a", async () => {}),
    part("adopted", "a", (of) =>
      scene.soon(
        "the reservation to end in the bucket",
        async () => (await scene.directStore.get(of.storeKey)) === undefined,
      ),
    ),
    part("superseded", "b", (of) => scene.reserved(b, of)),
    part("superseded", "b", async (of) => (await scene.reserved(b, of)).commit()),
  ]);
  const steps = a.steps.filter(({ type }) => type === "committed" || type === "superseded");
  found.unless(steps.length === 4, `G8 ${steps.length} of 4 late successes were counted`);
  return found.all;
};

/** A fault that loses the answer to a write, with or without the write. */
interface LostAnswer {
  readonly applied: boolean;
  inject(proxy: NatsReplica["proxy"]): void;
}

const lostAnswers: readonly LostAnswer[] = [
  { applied: true, inject: (proxy) => proxy.swallowAnswersTo("Nats-Expected-Last-Subject-Sequence") },
  { applied: false, inject: (proxy) => proxy.requests("swallow") },
];

/** G9: reservations and commits get no answer, temporarily or permanently, each applied and lost. */
export const ambiguityResolved: Check = async (scene) => {
  const found = new Findings();
  const parts = lostAnswers.flatMap((lostAnswer) =>
    [claimInDoubt, commitInDoubt, claimUnknown, commitUnknown].map((part) => part(scene, lostAnswer, found)),
  );
  await Promise.all(parts);
  return found.all;
};

/** Waits until a write has timed out, and until it is stored if the fault applies it. */
async function silent(scene: Scene, a: NatsReplica, { applied }: LostAnswer, isStored: () => Promise<boolean>) {
  await a.untilStep("store-unavailable");
  if (applied) await scene.soon("the write to be stored", isStored);
}

type Part = (scene: Scene, lostAnswer: LostAnswer, found: Findings) => Promise<void>;

const named = (what: string, { applied }: LostAnswer): string => `${what} ${applied ? "applied" : "lost"}`;

const claimInDoubt: Part = async (scene, lostAnswer, found) => {
  const what = named("a claim", lostAnswer);
  const a = await scene.replica(what, { leaseMs: LONG_LEASE_MS, timeoutMs: SHORT_TIMEOUT_MS });
  const of = scene.newEvent();
  lostAnswer.inject(a.proxy);
  const decision = a.dedup.reserve(of);
  const readStored = (): Promise<Entry | undefined> => scene.directStore.get(of.storeKey);
  await Promise.race([decision, silent(scene, a, lostAnswer, async () => (await readStored()) !== undefined)]);
  const before = await readStored();
  a.proxy.heal();
  const reservation = await decision;
  const after = await readStored();
  if (reservation.decision !== "unseen") {
    found.unless(false, `G9 ${what} was answered ${reservation.decision}`);
    return;
  }
  found.unless(reservation.fence === after?.revision, `G9 ${what} has another fence than the bucket`);
  found.unless(!lostAnswer.applied || before?.revision === after?.revision, `G9 ${what} was written twice`);
  const { commit } = await reservation.commit();
  found.unless(commit === "confirmed", `G9 the commit after ${what} was ${commit}`);
};

const commitInDoubt: Part = async (scene, lostAnswer, found) => {
  const what = named("a commit", lostAnswer);
  const a = await scene.replica(what, { leaseMs: LONG_LEASE_MS, timeoutMs: SHORT_TIMEOUT_MS });
  const of = scene.newEvent();
  const reservation = await scene.reserved(a, of);
  lostAnswer.inject(a.proxy);
  const report = reservation.commit();
  const committed = async (): Promise<number | undefined> => {
    const entry = await scene.directStore.get(of.storeKey);
    return entry?.record.state === "committed" ? entry.revision : undefined;
  };
  await Promise.race([report, silent(scene, a, lostAnswer, async () => (await committed()) !== undefined)]);
  const before = await committed();
  a.proxy.heal();
  const { commit } = await report;
  const after = await committed();
  found.unless(commit === "confirmed", `G9 ${what} was ${commit}`);
  found.unless(after !== undefined, `G9 ${what} is not stored`);
  found.unless(!lostAnswer.applied || before === after, `G9 ${what} was written twice`);
};

const claimUnknown: Part = async (scene, lostAnswer, found) => {
  const what = named("for good, a claim", lostAnswer);
  const [a, b] = [await scene.replica(what, { timeoutMs: SHORT_TIMEOUT_MS }), await scene.replica(`after ${what}`)];
  const of = scene.newEvent();
  let runs = 0;
  lostAnswer.inject(a.proxy);
  const guarding = a.dedup.guard(of, () => {
    runs += 1;
  });
  const error: unknown = await guarding.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  found.unless(isStoreUnavailable(error) && error.ambiguous, `G9 ${what}: ${String(error)}`);
  found.unless(runs === 0, `G9 ${what} was dispatched`);
  const next = await scene.reserved(b, of);
  found.unless((await next.commit()).commit === "confirmed", `G4 ${what} blocked the next holder`);
};

const commitUnknown: Part = async (scene, lostAnswer, found) => {
  const what = named("for good, a commit", lostAnswer);
  const a = await scene.replica(what, { renew: false, timeoutMs: SHORT_TIMEOUT_MS });
  const of = scene.newEvent();
  const reservation = await scene.reserved(a, of);
  lostAnswer.inject(a.proxy);
  const { commit } = await reservation.commit();
  found.unless(commit === "unconfirmed", `G9 ${what} was reported as ${commit}`);
  const state = (await scene.directStore.get(of.storeKey))?.record.state;
  found.unless((state === "committed") === lostAnswer.applied, `G9 ${what}: the bucket holds ${String(state)}`);
};

/** A store with stale reads, like those from a lagging follower. */
class Follower {
  /** Number of stale reads. */
  reads = 0;
  readonly #behind = new Map<StoreKey, Entry | undefined>();

  readonly through = (store: NatsStore): NatsStore => ({
    ...store,
    put: async (...write) => {
      const put = await store.put(...write);
      return put.ok ? put : { ok: false };
    },
    get: async (key) => {
      if (!this.#behind.has(key)) return store.get(key);
      this.reads += 1;
      return this.#behind.get(key);
    },
  });

  stopAt({ storeKey }: ResolvedIdentity, entry: Entry | undefined): void {
    this.#behind.set(storeKey, entry);
  }

  catchUp({ storeKey }: ResolvedIdentity): void {
    this.#behind.delete(storeKey);
  }
}

/** G10: stale reads show no record instead of a reservation, and an old reservation instead of a newer one or a commit. */
export const readsNeverDecide: Check = async (scene) => {
  const found = new Findings();
  const follower = new Follower();
  const leaseMs = 2 * LEASE_MS;
  const [a, b] = [
    await scene.replica("a", { leaseMs }),
    await scene.replica("b", { leaseMs, seenThrough: follower.through }),
  ];
  const of = scene.newEvent();
  const ask = async (when: string, ...right: readonly string[]): Promise<void> => {
    const { decision } = await decided(b, of);
    found.unless(right.includes(decision), `G10 the event was ${decision} ${when}`);
  };
  follower.stopAt(of, undefined);
  const first = await scene.reserved(a, of);
  await ask("while the reservation was not to be seen", "pending");
  const stored = await scene.directStore.get(of.storeKey);
  found.unless(stored?.record.owner === "a", "G10 the replica that did not see the reservation wrote over it");
  if (found.all.length > 0) return found.all;

  follower.stopAt(of, stored);
  const sinceMs = performance.now();
  await scene.soon("the reservation that is seen to look as if it had ended", async () => {
    await ask("while an old reservation was to be seen", "pending");
    return performance.now() - sinceMs > leaseMs + 2 * SKEW_MS;
  });
  found.unless(!first.signal.aborted, "G10 the holder lost its reservation to a replica that saw an old one");
  const { commit } = await first.commit();
  found.unless(commit === "confirmed", `G10 the commit was ${commit}`);
  await ask("after the commit, while an old reservation was to be seen", "pending");
  follower.stopAt(of, undefined);
  await ask("after the commit, while it was not to be seen", "pending");
  follower.catchUp(of);
  await ask("once the commit was to be seen", "duplicate");
  found.unless(follower.reads > 4, "G10 no replica read a stale entry");
  return found.all;
};
