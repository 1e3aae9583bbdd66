import { describe, expect, it } from "vitest";
import { FirstKeys } from "../../../src/cli/stored-keys/key-order.ts";
import { keyReport } from "../../../src/cli/stored-keys/key-report.ts";
import { keyTable } from "../../../src/cli/stored-keys/key-table.ts";
import type { FailedKey, RemovedKey, ReservedKey, StoredKey } from "../../../src/cli/stored-keys/stored-key.ts";
import { skewFrom, suspicionAbout, verdictAbout } from "../../../src/cli/stored-keys/verdict.ts";
import { resolveIdentity } from "../../../src/model/identity.ts";

const NOW_MS = 1_000_000_000;
const now = { nowMs: NOW_MS, skewMs: 2_000 };
const paint = (_: string, text: string): string => text;

interface Held {
  readonly eventId?: string;
  readonly owner?: string;
  readonly writtenMs?: number;
  readonly heldMs?: number;
  readonly attempt?: number;
  readonly leaseMs?: number;
  readonly endsInMs?: number | "never";
}

function fieldsOf(eventId: string) {
  const identity = resolveIdentity({ subscriptionId: "billing", eventId });
  return { bucket: "b", subject: "s", revision: 7, key: identity.storeKey, identity, fence: 7 };
}

function recordOf({ eventId = "1", owner = "web-1", attempt = 1, leaseMs = 30_000 }: Held) {
  const ids = { workspaceId: "default", subscriptionId: "billing", eventId };
  return { v: 1, ...ids, owner, token: "t", attempt, fence: 7, leaseMs, atMs: 0 } as const;
}

/** Returns a reservation that was written `writtenMs` ago and ends two seconds after its lease. */
function reserved(held: Held = {}): ReservedKey {
  const { eventId = "1", writtenMs = 1_000, heldMs = writtenMs, leaseMs = 30_000 } = held;
  const { endsInMs = leaseMs + 2_000 - writtenMs } = held;
  const storedAtMs = NOW_MS - writtenMs;
  return {
    ...fieldsOf(eventId),
    state: "reserved",
    record: { ...recordOf(held), state: "reserved" },
    storedAtMs,
    endsAtMs: endsInMs === "never" ? undefined : NOW_MS + endsInMs,
    leaseEndsAtMs: storedAtMs + leaseMs,
    heldSinceMs: NOW_MS - heldMs,
  };
}

function committed(endsInMs: number | undefined, owner = "web-1"): StoredKey {
  const endsAtMs = endsInMs === undefined ? undefined : NOW_MS + endsInMs;
  const record = { ...recordOf({ owner, attempt: 2 }), state: "committed" } as const;
  return { ...fieldsOf("1"), state: "committed", record, storedAtMs: NOW_MS - 180_000, endsAtMs };
}

const unreadable = { ...fieldsOf("1"), state: "unreadable", storedAtMs: 0, endsAtMs: 0, reason: "not JSON" } as const;
const removed: RemovedKey = { state: "removed", bucket: "b", subject: "s", revision: 8, storedAtMs: NOW_MS - 3_000 };
const failed: FailedKey = {
  ...fieldsOf("1"),
  state: "failed",
  storedAtMs: NOW_MS - 3_000,
  endsAtMs: NOW_MS + 3_597_000,
  failure: {
    workspaceId: "default",
    subscriptionId: "billing",
    eventId: "1",
    owner: "web\u001b-1",
    attempt: 2,
    fence: 7,
    atMs: 0,
    error: "TypeError",
  },
};

describe("the conclusion about a key", () => {
  it.each<
    readonly [what: string, stored: StoredKey | FailedKey | RemovedKey | undefined, delivery: string, text: string]
  >([
    ["empty", undefined, "dispatched", "The key is empty, so the next delivery is dispatched"],
    ["removed", removed, "dispatched", "released or cleared 3 s ago"],
    ["released after a failure", failed, "dispatched", "TypeError"],
    ["released after a failure of a hostile name", failed, "dispatched", "web\\u{1b}-1"],
    ["committed", committed(3_600_000), "duplicate", "web-1 committed the event 3 min ago at attempt 2"],
    ["committed for good", committed(undefined), "duplicate", "suppressed until the key is cleared"],
    ["held", reserved({ heldMs: 240_000 }), "pending", "web-1 has held the key for 4 min"],
    ["held by a silent owner", reserved({ writtenMs: 21_000 }), "pending", "(no renewal for 21 s)"],
    [
      "past its lease",
      reserved({ writtenMs: 31_000 }),
      "pending",
      "ended 1 s ago at attempt 1, so it crashed or hangs",
    ],
    ["unreadable", unreadable, "refused", "refused: not JSON"],
    ["of no event", { ...unreadable, key: undefined }, "none", "The key belongs to no event. not JSON."],
  ])("explains a key that is %s", (_, stored, delivery, text) => {
    expect(verdictAbout(stored, now)).toEqual({ delivery, explanation: expect.stringContaining(text) });
  });

  it("escapes names for a terminal", () => {
    const owner = "web\u001b[31m\u202e";
    for (const stored of [committed(1, owner), reserved({ owner }), { ...unreadable, reason: owner }]) {
      const { explanation } = verdictAbout(stored, now);
      expect(explanation).toContain("web\\u{1b}[31m\\u{202e}");
      expect(explanation).not.toMatch(/\p{Cc}|\p{Cf}/u);
    }
  });

  it("uses the skew of the replicas", () => {
    expect([skewFrom({ env: {} }), skewFrom({ env: { LATCHKEY_SKEW_SECONDS: "9" } })]).toEqual([2_000, 9_000]);
    expect(() => skewFrom({ env: { LATCHKEY_SKEW_SECONDS: "x" } })).toThrow("LATCHKEY_SKEW_SECONDS");
  });
});

const incident: Readonly<Record<string, Held>> = {
  overdue: { writtenMs: 60_000 },
  endless: { endsInMs: "never" },
  silent: { writtenMs: 25_000 },
  // 101 renewals of a lease of one second.
  "long-held": { writtenMs: 300, heldMs: 33_700, leaseMs: 1_000 },
  retried: { attempt: 4 },
};

describe("an incident", () => {
  it.each(Object.entries(incident))("reports that a reservation is %s", (suspicion, held) => {
    expect(suspicionAbout(reserved(held), now)).toBe(suspicion);
    expect(keyReport(reserved(held), now)).toMatchObject({ suspicion, evidence: expect.any(String) });
  });

  it("does not suspect a commit or a young reservation", () => {
    for (const stored of [committed(1), reserved()]) {
      expect(suspicionAbout(stored, now)).toBeUndefined();
      expect(keyReport(stored, now)).not.toHaveProperty("suspicion");
    }
  });

  it("comes first in a list, and is named and explained", () => {
    const first = new FirstKeys("attention", 0, now);
    const young = reserved({ eventId: "young", heldMs: 500_000 });
    const suspects = Object.entries(incident).map(([eventId, held]) => reserved({ ...held, eventId }));
    for (const stored of [committed(1), young, ...suspects.toReversed(), unreadable]) first.add(stored);
    const [worst, ...others] = first.sorted();
    expect(worst?.state).toBe("unreadable");
    expect(others.slice(0, 5)).toEqual(suspects);
    expect(others.slice(5).map(({ state }) => state)).toEqual(["reserved", "committed"]);
    const table = keyTable(first.sorted(), now, { paint });
    const states = table.split("\n").map((line) => line.split(" ")[0]);
    expect(states.slice(1, 9)).toEqual(["unreadable", ...Object.keys(incident), "reserved", "committed"]);
    expect(table).toContain("\nsilent     Holder may be gone. It missed its renewal");
    expect(keyTable([young], now, { paint })).not.toContain("Holder may be gone");
  });
});
