import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  evidenceOf,
  type ReservationTimes,
  SUSPICIONS,
  suspicionOf,
  suspicionWords,
} from "../../../src/inspect/conclusions/suspicion.ts";

const young: ReservationTimes = { attempt: 1, leaseMs: 30_000, beganAtMs: 0, leaseFromMs: 0, renewals: 0 };
const at = (nowMs: number) => ({ nowMs, skewMs: 2_000 });

describe("a reservation", () => {
  it.each<readonly [string | undefined, Partial<ReservationTimes>, number]>([
    [undefined, {}, 20_000],
    ["silent", {}, 20_001],
    ["silent", {}, 37_000],
    ["overdue", {}, 37_001],
    [undefined, { leaseFromMs: 600_000, renewals: 60 }, 600_000],
    ["long-held", { leaseFromMs: 600_001, renewals: 60 }, 600_001],
    [undefined, { leaseMs: 120_000, leaseFromMs: 1_200_000 }, 1_200_000],
    ["long-held", { leaseMs: 1_000, leaseFromMs: 40_000, renewals: 100 }, 40_000],
    ["retried", { attempt: 4 }, 0],
    [undefined, { attempt: 3 }, 0],
    ["silent", { attempt: 4 }, 25_000],
    ["endless", { removalDueMs: Number.POSITIVE_INFINITY }, 0],
    ["endless", { removalDueMs: 700_000 }, 0],
    [undefined, { removalDueMs: 32_000 }, 0],
  ])("is suspected of %s: %j after %d ms", (suspicion, times, nowMs) => {
    expect(suspicionOf({ ...young, ...times }, at(nowMs))).toBe(suspicion);
  });

  it("keeps its suspicion or a more urgent one while it is not renewed", () => {
    const rank = (reservation: ReservationTimes, nowMs: number): number => {
      const suspicion = suspicionOf(reservation, at(nowMs));
      return suspicion === undefined ? SUSPICIONS.length : SUSPICIONS.indexOf(suspicion);
    };
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 8 }), fc.nat(2_000_000), fc.nat(2_000_000), (attempt, one, other) => {
        const [earlier, later] = [Math.min(one, other), Math.max(one, other)];
        const reservation = { ...young, attempt };
        expect(rank(reservation, later)).toBeLessThanOrEqual(rank(reservation, earlier));
      }),
    );
  });
});

describe("the words for a suspicion", () => {
  it("contain a title, advice and evidence for each", () => {
    for (const suspicion of SUSPICIONS) {
      expect(suspicionWords[suspicion].title).toMatch(/^[A-Z]/);
      expect(suspicionWords[suspicion].advice).toMatch(/\.$/);
      expect(evidenceOf(suspicion, young, at(25_000))).not.toBe("");
    }
  });

  it("contain the times", () => {
    expect(evidenceOf("silent", young, at(21_000))).toBe("no renewal for 21 s");
    expect(evidenceOf("overdue", young, at(90_000))).toBe("lease ended 60 s ago");
    expect(evidenceOf("long-held", { ...young, renewals: 90 }, at(900_000))).toBe("held for 15 min, renewed 90×");
    const { renewals: _, ...unknown } = young;
    expect(evidenceOf("long-held", unknown, at(900_000))).toBe("held for 15 min");
    expect(evidenceOf("retried", { ...young, attempt: 7 }, at(0))).toBe("attempt 7");
    expect(evidenceOf("endless", young, at(0))).toBe("never removed");
    expect(evidenceOf("endless", { ...young, removalDueMs: 700_000 }, at(0))).toBe("removed in 12 min");
  });
});
