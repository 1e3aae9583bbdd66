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

/** Returns a reservation that was written `writtenMs` ago and expires two seconds after its lease. */
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

describe("the explanation of an event", () => {
  it.each<readonly [what: string, stored: StoredKey | RemovedKey | undefined, delivery: string, text: string | RegExp]>(
    [
      [
        "without a key",
        undefined,
        "dispatched",
        /^A delivery would be dispatched: the bucket holds no key for the event\. .*its window or lease ended\.$/,
      ],
      [
        "whose key was just removed",
        removed,
        "dispatched",
        "A delivery would be dispatched: its dispatch failed or its key was cleared 1 s ago.",
      ],
      [
        "whose key is committed",
        committed(3_600_000),
        "duplicate",
        "Deliveries are suppressed as duplicates: web-1 committed the event 3 min ago, attempt 2; the window ends in 1 h.",
      ],
      ["whose window never ends", committed(undefined), "duplicate", /; the window never ends\.$/],
      [
        "whose window has ended",
        committed(-1),
        "duplicate",
        /; the window has ended, and the server is about to remove the key\.$/,
      ],
      [
        "whose key was just reserved",
        reserved({ writtenMs: 5_000 }),
        "pending",
        "Deliveries are pending and come back later: web-1 has dispatched the event for at least 5 s, attempt 2; its lease ends in 25 s. It is new and was not yet renewed.",
      ],
      [
        "whose reservation is renewed",
        reserved({ writtenMs: 9_000, heldMs: 240_000, revision: 9 }),
        "pending",
        /web-1 has dispatched the event for at least 4 min.*; its lease ends in 21 s\. It was renewed 9 s ago\.$/,
      ],
      [
        "whose renewal is overdue",
        reserved({ writtenMs: 21_000, revision: 9 }),
        "pending",
        /its lease ends in 9 s\. It was not renewed for 21 s: its holder may be gone, and then the key is free once the lease ends\.$/,
      ],
      [
        "whose lease has ended",
        reserved({ writtenMs: 31_000 }),
        "pending",
        "Deliveries are pending and come back later: the lease of web-1, attempt 2, ended 1 s ago: the process crashed or is suspended. The server removes the key in 1 s.",
      ],
      [
        "whose reservation should be gone",
        reserved({ writtenMs: 60_000 }),
        "pending",
        /ended 30 s ago: .* The server should have removed the key by now\.$/,
      ],
      [
        "whose reservation never expires",
        reserved({ writtenMs: 60_000, endsInMs: "never" }),
        "pending",
        /The server does not remove the key; a replica takes it over after a lease without a renewal\.$/,
      ],
      [
        "whose reservation expires much later",
        reserved({ writtenMs: 60_000, endsInMs: 600_000 }),
        "pending",
        /The server does not remove the key;/,
      ],
      [
        "whose record is unreadable",
        unreadable,
        "refused",
        "Deliveries are refused and come back later: It is not JSON. The event cannot be dispatched until the record is removed.",
      ],
      [
        "for a subject that is not a key",
        { ...unreadable, key: undefined },
        "none",
        "The key belongs to no event: It is not JSON.",
      ],
    ],
  )("of an event %s", (_, stored, delivery, text) => {
    const verdict = explain(stored, NOW);
    expect(verdict.delivery).toBe(delivery);
    if (typeof text === "string") expect(explanationText(verdict)).toBe(text);
    else expect(explanationText(verdict)).toMatch(text);
  });
});
