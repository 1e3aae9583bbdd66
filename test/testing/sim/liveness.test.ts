import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Deduplicator } from "../../../src/index.ts";
import {
  CounterexampleError,
  checkHandler,
  exhaust,
  type Faults,
  type HandlerUnderTest,
} from "../../../src/testing/index.ts";
import { runCount } from "../../support/run-count.ts";

const withLatchkey: HandlerUnderTest = (replica) => {
  const dedup = new Deduplicator({ ...replica, leaseMs: 5_000 });
  return ({ event }) =>
    dedup.guard({ subscriptionId: "billing", eventId: event }, (reservation) => replica.effect(event, reservation));
};

/** Claims without an end, and gives its claim up itself. When it is cut off, no process does. */
const claimsWithoutEnd: HandlerUnderTest =
  ({ kv, effect }) =>
  async ({ event }) => {
    const claim = await kv.put(event, "pending", { expected: 0 });
    if (!claim.ok) return { outcome: (await kv.get(event))?.value === "done" ? "duplicate" : "pending" };
    try {
      await effect(event);
      await kv.put(event, "done", { expected: claim.revision });
    } catch (error) {
      await kv.delete(event, { expected: claim.revision });
      throw error;
    }
    return { outcome: "dispatched" };
  };

/** Gives up its claim when the store takes longer than a second to confirm it. */
const isImpatient: HandlerUnderTest =
  ({ kv, effect, clock }) =>
  async ({ event }) => {
    const lease = new AbortController();
    const cancel = clock.schedule(8_000, () => lease.abort(new Error("the lease ends")));
    const sentAtMs = clock.monotonicMs();
    try {
      const claim = await kv.put(event, "pending", { expected: 0, ttlMs: 10_000 });
      if (!claim.ok) return { outcome: (await kv.get(event))?.value === "done" ? "duplicate" : "pending" };
      if (clock.monotonicMs() - sentAtMs > 1_000) {
        await kv.delete(event, { expected: claim.revision });
        return { outcome: "pending" };
      }
      await effect(event, { fence: claim.revision, signal: lease.signal });
      const commit = await kv.put(event, "done", { expected: claim.revision });
      return { outcome: "dispatched", commit: commit.ok ? "confirmed" : "superseded" };
    } finally {
      cancel();
    }
  };

const permanent: ReadonlyArray<readonly [string, Faults]> = [
  ["a process is cut off", { isolations: 1 }],
  ["nothing reaches a process any more", { oneWayPartitions: 1 }],
  ["the store is slow", { slowStores: 1 }],
  ["two processes are cut off and the store is slow", { isolations: 1, oneWayPartitions: 1, slowStores: 1 }],
];

describe("although a fault never heals, the rest makes progress with Latchkey when", () => {
  it.each(permanent)("%s", async (_, faults) => {
    const checked = await checkHandler(fc, withLatchkey, { ...faults, replicas: 3, events: 2, numRuns: runCount(150) });
    expect(checked.faults).toBeGreaterThan(0);
  });

  it("one process is cut off at any moment of a run with one preemption", async () => {
    expect((await exhaust(withLatchkey, { isolations: 1, preemptions: 1 })).schedules).toBeGreaterThan(10);
  });
});

describe("a fault that never heals shows that no progress is made by a handler that", () => {
  const bugs: ReadonlyArray<readonly [string, HandlerUnderTest, Faults]> = [
    ["claims without an end, when it is cut off", claimsWithoutEnd, { isolations: 1 }],
    ["claims without an end, when nothing reaches it any more", claimsWithoutEnd, { oneWayPartitions: 1 }],
    ["gives up before a slow store answers", isImpatient, { slowStores: 1 }],
  ];
  it.each(bugs)("%s", async (_, handler, faults) => {
    const error: unknown = await checkHandler(fc, handler, { ...faults, seed: 1 }).catch((reason: unknown) => reason);
    if (!(error instanceof CounterexampleError)) throw error;
    expect(error.run.violations[0]).toMatchObject({
      guarantee: "G4",
      why: expect.stringMatching(/E1 was delivered again and again, and never acknowledged/),
    });
  });

  it("gives up before a slow store answers, and by no other fault", async () => {
    expect(
      (await checkHandler(fc, isImpatient, { redeliveries: 1, crashes: 1, lostRequests: 1, numRuns: 100 })).runs,
    ).toBe(100);
  });
});
