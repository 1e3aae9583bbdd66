import { Deduplicator } from "../../../deduplicator.ts";
import type { HandlerUnderTest } from "../../../testing/sim/handler.ts";
import type { Schedule } from "../../../testing/sim/schedule.ts";

/** A handler that the page can play. */
export interface PlayedHandler {
  readonly id: string;
  readonly title: string;
  /** Suggestion of what to try. */
  readonly advice: string;
  /** Schedule of a run that shows what the handler does wrong or right. It ends where no choice is left. */
  readonly example: Schedule;
  /** Lesson of the example. */
  readonly lesson: string;
  readonly handler: HandlerUnderTest;
}

const leaseMs = 5_000;
const identityOf = (event: string) => ({ subscriptionId: "billing", eventId: event });

const withLatchkey: HandlerUnderTest = (replica) => {
  const dedup = new Deduplicator({ ...replica, leaseMs });
  return ({ event }) => dedup.guard(identityOf(event), (reservation) => replica.effect(event, reservation));
};

const withoutSignal: HandlerUnderTest = (replica) => {
  const dedup = new Deduplicator({ ...replica, leaseMs });
  return ({ event }) => dedup.guard(identityOf(event), ({ fence }) => replica.effect(event, { fence }));
};

const releasesAfterSuccess: HandlerUnderTest = (replica) => {
  const dedup = new Deduplicator({ ...replica, leaseMs });
  return async ({ event }) => {
    const decision = await dedup.reserve(identityOf(event));
    if (decision.decision !== "unseen") return { outcome: decision.decision };
    await replica.effect(event, decision);
    await decision.release();
    return { outcome: "dispatched" };
  };
};

const getThenPut: HandlerUnderTest =
  ({ kv, effect }) =>
  async ({ event }) => {
    if ((await kv.get(event)) !== undefined) return { outcome: "duplicate" };
    await effect(event);
    await kv.put(event, "done");
    return { outcome: "dispatched" };
  };

const pendingIsDuplicate: HandlerUnderTest =
  ({ kv, effect }) =>
  async ({ event }) => {
    const claim = await kv.put(event, "pending", { expected: 0 });
    if (!claim.ok) return { outcome: "duplicate" };
    await effect(event);
    await kv.put(event, "done");
    return { outcome: "dispatched" };
  };

const commitWithoutFence: HandlerUnderTest =
  ({ kv, clock, effect }) =>
  async ({ event }) => {
    const lease = new AbortController();
    const cancel = clock.schedule(leaseMs, () => lease.abort(new Error("the lease ended")));
    const claim = await kv.put(event, "pending", { expected: 0, ttlMs: leaseMs });
    if (!claim.ok) return { outcome: (await kv.get(event))?.value === "done" ? "duplicate" : "pending" };
    await effect(event, { signal: lease.signal });
    cancel();
    await kv.put(event, "done");
    return { outcome: "dispatched" };
  };

export const handlers: readonly PlayedHandler[] = [
  {
    id: "latchkey",
    title: "Correct: guard of Latchkey",
    advice:
      "Two messages carry one event. Deliver both, let R1 die in the middle, lose an answer, let the lease end: the effect never begins after a commit.",
    example: [0, 0, 0, 0, 7],
    lesson:
      "R1 died while it held the key. The message came back to R2 until R1's lease had ended. Then R2 took over, and its commit made the last delivery a duplicate.",
    handler: withLatchkey,
  },
  {
    id: "get-then-put",
    title: "Bug: get, then put",
    advice: "Deliver E1 to R2 while R1 waits for the answer to its get. Both find nothing, and both run the effect.",
    example: [0, 0, 2],
    lesson:
      "The customer is charged twice. A read decides nothing: Latchkey claims the key with one compare-and-set, so only one replica gets it.",
    handler: getThenPut,
  },
  {
    id: "pending-is-duplicate",
    title: "Bug: a pending key is acknowledged",
    advice: "Deliver E1 to R2 while R1 has the key. R2 acknowledges an event whose handling has not succeeded yet.",
    example: [0, 0, 2],
    lesson:
      "The broker forgets the message. If R1 fails now, no replica handles the event. With Latchkey a reserved key is pending: the message comes back.",
    handler: pendingIsDuplicate,
  },
  {
    id: "releases-after-success",
    title: "Bug: release instead of commit",
    advice:
      "Step to the end. The event is acknowledged and its key is free, so the second message runs the effect again.",
    example: [],
    lesson:
      "The key says nothing about the past, so every copy of the event is dispatched again. `guard` commits after a success.",
    handler: releasesAfterSuccess,
  },
  {
    id: "commit-without-fence",
    title: "Bug: commit without a fence",
    advice:
      "Let time pass while the effect of R1 runs. Let R2 take the key, and then let R1 write `done` over the claim of R2.",
    example: [0, 0, 0, 0, 3, 2, 0, 1],
    lesson:
      "R1's lease had ended, and R2 had the key. R1 wrote over R2's claim. Latchkey commits only over its own reservation, at its revision.",
    handler: commitWithoutFence,
  },
  {
    id: "without-signal",
    title: "Bug: the signal is ignored",
    advice: "Let the clock jump while the effect of R1 runs. R2 takes the key, and both effects run at once.",
    example: [0, 0, 0, 0, 9, 6],
    lesson:
      "Two replicas charge the customer at once. The signal of a reservation fires before another replica can get the key: pass it to the effect.",
    handler: withoutSignal,
  },
];
