import { describe, expect, it } from "vitest";
import { type KeyContent, type NextDelivery, verdictOf } from "../../../src/inspect/conclusions/verdict.ts";

const now = { nowMs: 100_000, skewMs: 2_000 };
const reserved = { state: "reserved", owner: "a", attempt: 2, leaseMs: 30_000, beganAtMs: 60_000 } as const;
const committed = { state: "committed", owner: "a", attempt: 1, committedAtMs: 40_000 } as const;

describe("the verdict on a key", () => {
  it.each<readonly [NextDelivery, KeyContent, string]>([
    ["dispatched", { state: "empty" }, "The key is empty, so the next delivery is dispatched."],
    ["dispatched", { state: "removed", removedAtMs: 95_000 }, "was released or cleared 5 s ago"],
    ["refused", { state: "unreadable", reason: "it is not JSON" }, "The next delivery is refused: it is not JSON."],
    ["duplicate", committed, "a committed the event 60 s ago at attempt 1. The next delivery is suppressed until"],
    ["duplicate", { ...committed, windowEndMs: 160_000 }, "suppressed for another 60 s, until the window ends."],
    ["duplicate", { ...committed, windowEndMs: 90_000 }, "Its window is over"],
    ["duplicate", { ...committed, windowEndMs: Number.POSITIVE_INFINITY }, "suppressed until the key is cleared."],
    ["pending", { ...reserved, leaseFromMs: 95_000 }, "a has held the key for 40 s at attempt 2. The next delivery"],
    ["pending", { ...reserved, leaseFromMs: 75_000 }, "at attempt 2 (no renewal for 25 s)."],
    ["pending", { ...reserved, leaseFromMs: 60_000 }, "The lease of a ended 10 s ago at attempt 2"],
  ])("is %s: %j", (next, finding, sentence) => {
    const verdict = verdictOf(finding, now);
    expect(verdict.next).toBe(next);
    expect(verdict.text).toContain(sentence);
  });
});
