import { describe, expect, it } from "vitest";
import { explain, explanationText } from "../../../src/cli/show/explanation.ts";
import type { RemovedKey, StoredKey } from "../../../src/cli/stored-keys/stored-key.ts";
import { resolveIdentity } from "../../../src/model/identity.ts";

const identity = resolveIdentity({ subscriptionId: "billing", eventId: "1" });
const NOW = 1_000_000;
const recordFields = {
  v: 1,
  workspaceId: "default",
  subscriptionId: "billing",
  eventId: "1",
  owner: "web-1",
  token: "t",
  attempt: 2,
  fence: 7,
  leaseMs: 30_000,
  atMs: 0,
} as const;
const fields = { bucket: "b", subject: "s", revision: 7, key: identity.storeKey, identity, fence: 7 };

interface Held {
  readonly writtenMs: number;
  readonly heldMs?: number;
  readonly revision?: number;
  readonly endsInMs?: number | "never";
}

/** A reservation that was written so long ago, and ends two seconds after its lease. */
function reserved({ writtenMs, heldMs = writtenMs, revision = 7, endsInMs = 32_000 - writtenMs }: Held): StoredKey {
  const storedAtMs = NOW - writtenMs;
  return {
    ...{ ...fields, revision, state: "reserved", record: { ...recordFields, state: "reserved" }, storedAtMs },
    ...{ endsAtMs: endsInMs === "never" ? undefined : NOW + endsInMs, leaseEndsAtMs: storedAtMs + 30_000 },
    heldSinceMs: NOW - heldMs,
  };
}

function committed(endsInMs: number | undefined): StoredKey {
  const endsAtMs = endsInMs === undefined ? undefined : NOW + endsInMs;
  const record = { ...recordFields, state: "committed" } as const;
  return { ...fields, state: "committed", record, storedAtMs: NOW - 180_000, endsAtMs };
}

const unreadable = { ...fields, state: "unreadable", storedAtMs: 0, endsAtMs: 0, reason: "It is not JSON" } as const;
const removed: RemovedKey = { state: "removed", bucket: "b", subject: "s", revision: 8, storedAtMs: NOW - 600 };

describe("the verdict on an event", () => {
  it.each<readonly [what: string, stored: StoredKey | RemovedKey | undefined, delivery: string, text: string | RegExp]>(
    [
      [
        "of which the bucket holds nothing",
        undefined,
        "dispatched",
        /^A delivery of it would be dispatched: the bucket holds nothing for it\. .*its window or its lease is over\.$/,
      ],
      [
        "that was just released",
        removed,
        "dispatched",
        "A delivery of it would be dispatched: its dispatch failed and gave the key back, or it was cleared, 1 s ago.",
      ],
      [
        "that was committed",
        committed(3_600_000),
        "duplicate",
        "Deliveries of it are suppressed as duplicates: web-1 dispatched it and committed it 3 min ago, at attempt 2; its window ends in 1 h.",
      ],
      ["whose window never ends", committed(undefined), "duplicate", /; the window never ends\.$/],
      [
        "whose window is over",
        committed(-1),
        "duplicate",
        /; its window is over, and the server is about to remove it\.$/,
      ],
      [
        "that was just reserved",
        reserved({ writtenMs: 5_000 }),
        "pending",
        "Deliveries of it are put back: web-1 has held it for 5 s at least and dispatches it, at attempt 2; 25 s of its lease are left. It is young and not yet renewed.",
      ],
      [
        "whose reservation is renewed",
        reserved({ writtenMs: 9_000, heldMs: 240_000, revision: 9 }),
        "pending",
        /web-1 has held it for 4 min at least .*; 21 s of its lease are left\. It was renewed 9 s ago\.$/,
      ],
      [
        "whose renewal does not come",
        reserved({ writtenMs: 21_000, revision: 9 }),
        "pending",
        /9 s of its lease are left\. No renewal came for 21 s: its holder may be gone, and then it is free when the lease is over\.$/,
      ],
      [
        "whose lease is over",
        reserved({ writtenMs: 31_000 }),
        "pending",
        "Deliveries of it are put back: web-1 held it, at attempt 2, but its lease ended 1 s ago: it crashed, or stands still. The server frees it in 1 s.",
      ],
      [
        "that should be free",
        reserved({ writtenMs: 60_000 }),
        "pending",
        /its lease ended 30 s ago: .* The server should have removed it by now\.$/,
      ],
      [
        "that the server never frees",
        reserved({ writtenMs: 60_000, endsInMs: "never" }),
        "pending",
        /The server does not free it by itself; a replica takes it over when it has seen it unchanged for that long\.$/,
      ],
      [
        "that the server frees much later",
        reserved({ writtenMs: 60_000, endsInMs: 600_000 }),
        "pending",
        /The server does not free it by itself;/,
      ],
      [
        "whose record cannot be read",
        unreadable,
        "refused",
        "Deliveries of it are refused and put back: It is not JSON. Nobody dispatches the event until that is gone.",
      ],
      ["that is none", { ...unreadable, key: undefined }, "none", "It belongs to no event: It is not JSON."],
    ],
  )("%s", (_, stored, delivery, text) => {
    const verdict = explain(stored, NOW);
    expect(verdict.delivery).toBe(delivery);
    if (typeof text === "string") expect(explanationText(verdict)).toBe(text);
    else expect(explanationText(verdict)).toMatch(text);
  });
});
