import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ObservedLeases } from "../../src/engine/observed-leases.ts";
import type { ReservationRecord } from "../../src/model/record.ts";
import type { Entry } from "../../src/model/store.ts";
import { identity, reservation } from "../support/store-contract-fixture.ts";

const LEASE_MS = 30_000;
const SKEW_MS = 2_000;
const WALL_MS = 1_893_456_000_000;

function entry(revision: number, name = "evt-1", rest: Partial<ReservationRecord> = {}): Entry {
  const of = identity(name);
  return { key: of.storeKey, revision, record: reservation(of, { leaseMs: LEASE_MS, atMs: WALL_MS, ...rest }) };
}

describe("an observed lease", () => {
  it("ends after its lease and the skew from the first read, whatever the holder's wall clock shows", () => {
    for (const atMs of [0, WALL_MS, WALL_MS * 2]) {
      const leases = new ObservedLeases(SKEW_MS);
      const seen = entry(7, "evt-1", { atMs });
      expect(leases.observe(seen, 1_000_000)).toBe(LEASE_MS + SKEW_MS);
      expect(leases.observe(seen, 1_000_000 + LEASE_MS)).toBe(SKEW_MS);
      expect(leases.observe(seen, 1_000_000 + LEASE_MS + SKEW_MS - 1)).toBe(1);
      expect(leases.observe(seen, 1_000_000 + LEASE_MS + SKEW_MS)).toBe(0);
    }
  });

  it("restarts with every revision, even with an older one that is read late", () => {
    const leases = new ObservedLeases(SKEW_MS);
    leases.observe(entry(7), 0);
    expect(leases.observe(entry(8), 40_000)).toBe(LEASE_MS + SKEW_MS);
    expect(leases.observe(entry(7), 50_000)).toBe(LEASE_MS + SKEW_MS);
    expect(leases.observe(entry(8), 90_000)).toBe(LEASE_MS + SKEW_MS);
  });

  it("has the length in the record, not that of the reader's own leases", () => {
    const leases = new ObservedLeases(0);
    expect(leases.observe(entry(7, "evt-1", { leaseMs: 1_000 }), 0)).toBe(1_000);
    expect(leases.observe(entry(7, "evt-2", { leaseMs: 60_000 }), 0)).toBe(60_000);
  });

  it("belongs to one key", () => {
    const leases = new ObservedLeases(SKEW_MS);
    leases.observe(entry(7, "evt-1"), 0);
    expect(leases.observe(entry(7, "evt-2"), LEASE_MS + SKEW_MS)).toBe(LEASE_MS + SKEW_MS);
    expect(leases.observe(entry(7, "evt-1"), LEASE_MS + SKEW_MS)).toBe(0);
  });

  it("is evicted after too many newer ones, which only restarts its time", () => {
    const leases = new ObservedLeases(SKEW_MS);
    const first = entry(7);
    leases.observe(first, 0);
    for (let index = 0; index < 10_000; index += 1) leases.observe(entry(7, `other-${index}`), 0);
    expect(leases.observe(first, LEASE_MS + SKEW_MS)).toBe(LEASE_MS + SKEW_MS);
  });

  it("never ends sooner than its lease and the skew after its first read", () => {
    const sightings = fc.array(fc.record({ revision: fc.integer({ min: 1, max: 4 }), afterMs: fc.nat(20_000) }), {
      maxLength: 30,
    });
    fc.assert(
      fc.property(sightings, (all) => {
        const leases = new ObservedLeases(SKEW_MS);
        const firstSeenMs = new Map<number, number>();
        let nowMs = 0;
        for (const { revision, afterMs } of all) {
          nowMs += afterMs;
          if (!firstSeenMs.has(revision)) firstSeenMs.set(revision, nowMs);
          const ended = leases.observe(entry(revision), nowMs) <= 0;
          if (ended) expect(nowMs - (firstSeenMs.get(revision) ?? nowMs)).toBeGreaterThanOrEqual(LEASE_MS + SKEW_MS);
        }
      }),
    );
  });
});

describe("a reservation whose holder went silent", () => {
  const { key } = entry(7);
  const lapsedAfter = (readsMs: readonly number[], claimedMs: number, clockMs = 0): number | undefined => {
    const leases = new ObservedLeases(SKEW_MS);
    for (const readMs of readsMs) leases.observe(entry(7, "evt-1", { fence: 5 }), readMs);
    return leases.lapsedFence(key, claimedMs, WALL_MS + claimedMs + clockMs);
  };

  it("is named once its lease has ended, if it was read after a renewal was missing", () => {
    expect(lapsedAfter([25_000], LEASE_MS)).toBe(5);
    expect(lapsedAfter([0, 21_000], LEASE_MS)).toBe(5);
    expect(lapsedAfter([25_000], LEASE_MS - 1)).toBeUndefined();
    expect(lapsedAfter([15_000], 2 * LEASE_MS)).toBeUndefined();
    expect(lapsedAfter([], LEASE_MS)).toBeUndefined();
  });

  it("is recognised by this replica's own clock if the wall clocks disagree", () => {
    expect(lapsedAfter([0, 25_000], LEASE_MS, -WALL_MS)).toBe(5);
    expect(lapsedAfter([0, 15_000], LEASE_MS, -WALL_MS)).toBeUndefined();
  });

  it("is not named after it was forgotten", () => {
    const leases = new ObservedLeases(SKEW_MS);
    leases.observe(entry(7), 25_000);
    leases.forget(key);
    expect(leases.lapsedFence(key, LEASE_MS, WALL_MS + LEASE_MS)).toBeUndefined();
  });
});

describe("a reservation that was read", () => {
  const STEADY_MS = 1_000;
  const { key } = entry(7);

  it("is not read again within 250 ms once it is a second old", () => {
    const leases = new ObservedLeases(SKEW_MS);
    leases.observe(entry(7), 0);
    leases.observe(entry(7), STEADY_MS);
    expect(leases.liveReservation(key, 1, STEADY_MS)).toEqual(entry(7));
    expect(leases.liveReservation(key, 1, STEADY_MS + 249)).toEqual(entry(7));
    expect(leases.liveReservation(key, 1, STEADY_MS + 250)).toBeUndefined();
  });

  it("is read again while it is young, because a failed dispatch may be retried immediately", () => {
    const leases = new ObservedLeases(SKEW_MS);
    leases.observe(entry(7), 0);
    leases.observe(entry(8), STEADY_MS);
    expect(leases.liveReservation(key, 1, STEADY_MS)).toBeUndefined();
  });

  it("is read again for a later attempt than its holder's, which may be the holder's redelivery", () => {
    const leases = new ObservedLeases(SKEW_MS);
    for (const nowMs of [0, STEADY_MS]) leases.observe(entry(7, "evt-1", { attempt: 2 }), nowMs);
    expect(leases.liveReservation(key, 2, STEADY_MS)).toBeDefined();
    expect(leases.liveReservation(key, 3, STEADY_MS)).toBeUndefined();
  });

  it("is read again when its lease is over, and when its removal is known", () => {
    const leases = new ObservedLeases(SKEW_MS);
    for (const nowMs of [0, LEASE_MS - 100]) leases.observe(entry(7), nowMs);
    expect(leases.liveReservation(key, 1, LEASE_MS - 1)).toBeDefined();
    expect(leases.liveReservation(key, 1, LEASE_MS)).toBeUndefined();
    leases.forget(key);
    expect(leases.liveReservation(key, 1, LEASE_MS - 1)).toBeUndefined();
  });
});

describe("retryAfterMs", () => {
  it("is the rest of the lease by its record, if the clocks agree, plus a margin for the store", () => {
    const leases = new ObservedLeases(SKEW_MS);
    expect(leases.retryAfterMs(entry(7), 0, WALL_MS + 10_000)).toBe(LEASE_MS + SKEW_MS - 10_000 + 500);
  });

  it("is at least a second and at most the observed rest of the lease, for any clock error", () => {
    fc.assert(
      fc.property(fc.integer({ min: -1e12, max: 1e12 }), fc.nat(LEASE_MS), (apartMs, seenMs) => {
        const leases = new ObservedLeases(SKEW_MS);
        leases.observe(entry(7), 0);
        const retryAfterMs = leases.retryAfterMs(entry(7), seenMs, WALL_MS + apartMs);
        expect(retryAfterMs).toBeGreaterThanOrEqual(1_000);
        expect(retryAfterMs).toBeLessThanOrEqual(LEASE_MS + SKEW_MS - seenMs + 500);
      }),
    );
  });

  it("is a whole number, and half a second when the reservation has ended", () => {
    const leases = new ObservedLeases(SKEW_MS);
    leases.observe(entry(7), 0.25);
    expect(leases.retryAfterMs(entry(7), 0.25, WALL_MS + 0.5)).toSatisfy(Number.isInteger);
    expect(leases.retryAfterMs(entry(7), 2 * LEASE_MS, WALL_MS + 2 * LEASE_MS)).toBe(500);
  });
});
