import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Deduplicator } from "../../src/deduplicator.ts";
import { RecordUnreadableError } from "../../src/errors.ts";
import { resolveIdentity } from "../../src/model/identity.ts";
import { decodeRecord, encodeRecord } from "../../src/model/record.ts";
import type { Store } from "../../src/model/store.ts";
import { anyBytes, deepJson, nearly, nearlyBytes } from "./nearly.ts";

const RUNS = 2_000;
const right = {
  v: 1,
  state: "committed",
  workspaceId: "default",
  subscriptionId: "sub-1",
  eventId: "evt-1",
  owner: "replica-a",
  token: "token-1",
  attempt: 1,
  fence: 7,
  leaseMs: 30_000,
  atMs: 1_700_000_000_000,
  fingerprint: "sha256:1",
  result: { deep: [1, null] },
};

/** Refuses with the one error that is meant for it, which names the key; or reads what then is written as it was. */
function readsOrRefuses(encoded: string): void {
  try {
    const record = decodeRecord(encoded, "the-key");
    expect(JSON.parse(encodeRecord(record))).toEqual(JSON.parse(encoded));
    expect(Number.isNaN(new Date(record.atMs).getTime()), "a time that is none").toBe(false);
  } catch (error) {
    if (!(error instanceof RecordUnreadableError)) throw error;
    expect(error.message).toContain("the-key");
  }
}

describe("a record from a store is read or refused", () => {
  it("whatever bytes there are", () => {
    fc.assert(
      fc.property(fc.oneof(anyBytes, nearlyBytes(fc.constant(JSON.stringify(right)))), (bytes) => {
        readsOrRefuses(Buffer.from(bytes).toString());
      }),
      { numRuns: RUNS },
    );
  });

  it("when it nearly is one", () => {
    fc.assert(
      fc.property(nearly(right), (record) => readsOrRefuses(JSON.stringify(record))),
      { numRuns: RUNS },
    );
  });

  it("and counts for the event whose ids it has, and for no other", async () => {
    const { key, storeKey, ...ids } = resolveIdentity(right);
    await fc.assert(
      fc.asyncProperty(nearly(right), async (record) => {
        const encoded = JSON.stringify(record);
        const store: Store = {
          put: async () => ({ ok: false }),
          get: async () => ({ key: storeKey, record: decodeRecord(encoded, storeKey), revision: 7 }),
        };
        let dispatches = 0;
        const told: unknown = await new Deduplicator({ store })
          .guard(right, () => {
            dispatches += 1;
          })
          .catch((error: unknown) => error);
        expect(dispatches).toBe(0);
        if (told instanceof Error || Object.entries(ids).some(([id, own]) => record[id] !== own)) {
          expect(told).toBeInstanceOf(RecordUnreadableError);
          expect(String(told)).toContain(storeKey);
        } else expect(told).toMatchObject({ outcome: record["state"] === "committed" ? "duplicate" : "pending", key });
      }),
      { numRuns: RUNS },
    );
  });

  it("when it is deeper than a program can go", () => {
    readsOrRefuses(deepJson);
    readsOrRefuses(JSON.stringify({ ...right, result: "deep" }).replace('"deep"', deepJson));
  });
});
