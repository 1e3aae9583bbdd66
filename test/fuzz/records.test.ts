import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Deduplicator } from "../../src/deduplicator.ts";
import { RecordUnreadableError } from "../../src/errors.ts";
import { resolveIdentity } from "../../src/model/identity.ts";
import { type DedupRecord, decodeRecord, encodeRecord } from "../../src/model/record.ts";
import type { Store } from "../../src/model/store.ts";
import { anyBytes, deepJson, nearly, nearlyBytes } from "./nearly.ts";

const RUNS = 1_000;
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

const texts = ["workspaceId", "subscriptionId", "eventId", "owner", "token"];
const counts = [
  ["attempt", 1],
  ["fence", 0],
  ["leaseMs", 1],
] as const;

/** Checks the format of a record independently of the decoder. */
function isRecord(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  const record = new Map<string, unknown>(Object.entries(value));
  const atMs = record.get("atMs");
  const state = record.get("state");
  const fingerprint = record.get("fingerprint");
  return (
    record.get("v") === 1 &&
    (state === "reserved" || (state === "committed" && depthOf(record.get("result")) <= 100)) &&
    texts.every((name) => typeof record.get(name) === "string" && record.get(name) !== "") &&
    counts.every(([name, min]) => Number.isSafeInteger(record.get(name)) && Number(record.get(name)) >= min) &&
    typeof atMs === "number" &&
    Math.abs(atMs) <= 8.64e15 &&
    (fingerprint === undefined || typeof fingerprint === "string")
  );
}

function depthOf(value: unknown): number {
  if (typeof value !== "object" || value === null) return 0;
  return 1 + Math.max(0, ...Object.values(value).map(depthOf));
}

function parsed(encoded: string): unknown {
  try {
    return JSON.parse(encoded);
  } catch {
    return undefined;
  }
}

/** Decodes a record, or expects an error that names the key. Expects that encoding a decoded record restores it. */
function verdictOn(encoded: string): "read" | "refused" {
  let record: ReturnType<typeof decodeRecord>;
  try {
    record = decodeRecord(encoded, "the-key");
  } catch (error) {
    if (!(error instanceof RecordUnreadableError)) throw error;
    expect(error.message).toContain("the-key");
    return "refused";
  }
  expect(JSON.parse(encodeRecord(record))).toEqual(JSON.parse(encoded));
  return "read";
}

describe("decodeRecord", () => {
  it("decodes arbitrary bytes exactly when they form a record", () => {
    fc.assert(
      fc.property(fc.oneof(anyBytes, nearlyBytes(fc.constant(JSON.stringify(right)))), (bytes) => {
        const encoded = Buffer.from(bytes).toString();
        expect(verdictOn(encoded)).toBe(isRecord(parsed(encoded)) ? "read" : "refused");
      }),
      { numRuns: RUNS },
    );
  });

  it("decodes an altered record exactly when it is still valid", () => {
    const verdicts = { read: 0, refused: 0 };
    fc.assert(
      fc.property(nearly(right), (record) => {
        const encoded = JSON.stringify(record);
        const verdict = verdictOn(encoded);
        expect(verdict).toBe(isRecord(JSON.parse(encoded)) ? "read" : "refused");
        verdicts[verdict] += 1;
      }),
      { numRuns: RUNS },
    );
    expect(Math.min(verdicts.read, verdicts.refused)).toBeGreaterThan(RUNS / 10);
  });

  it("decodes every encoded reservation and commit", () => {
    const text = fc.string({ unit: "grapheme", minLength: 1 });
    const common = {
      v: fc.constant(1 as const),
      workspaceId: text,
      subscriptionId: text,
      eventId: text,
      owner: text,
      token: text,
      attempt: fc.integer({ min: 1 }),
      fence: fc.maxSafeNat(),
      leaseMs: fc.integer({ min: 1 }),
      atMs: fc.integer({ min: -1e12, max: 1e13 }),
    };
    const record: fc.Arbitrary<DedupRecord> = fc.oneof(
      fc.record({ ...common, state: fc.constant("reserved" as const) }),
      fc.record({ ...common, state: fc.constant("committed" as const), result: fc.jsonValue(), fingerprint: text }),
    );
    fc.assert(
      fc.property(record, (one) => {
        expect(JSON.stringify(decodeRecord(encodeRecord(one), "the-key"))).toBe(JSON.stringify(one));
      }),
      { numRuns: RUNS },
    );
  });

  it("refuses values that are too deeply nested", () => {
    expect(verdictOn(deepJson)).toBe("refused");
    const deep = JSON.stringify({ ...right, result: "deep" }).replace('"deep"', deepJson);
    expect(verdictOn(deep)).toBe("refused");
  });
});

describe("a record from a store", () => {
  it("applies only to the event whose ids it contains", async () => {
    const { key, storeKey, idempotencyKey: _, ...ids } = resolveIdentity(right);
    const answered = { duplicate: 0, pending: 0, refused: 0 };
    await fc.assert(
      fc.asyncProperty(nearly(right), async (record) => {
        const encoded = JSON.stringify(record);
        const store: Store = {
          put: async () => ({ ok: false }),
          get: async () => ({ key: storeKey, record: decodeRecord(encoded, storeKey), revision: 7 }),
        };
        let dispatches = 0;
        const result: unknown = await new Deduplicator({ store })
          .guard(right, () => {
            dispatches += 1;
          })
          .catch((error: unknown) => error);
        expect(dispatches).toBe(0);
        if (isRecord(JSON.parse(encoded)) && Object.entries(ids).every(([id, own]) => record[id] === own)) {
          const outcome = record["state"] === "committed" ? "duplicate" : "pending";
          expect(result).toMatchObject({ outcome, key });
          answered[outcome] += 1;
        } else {
          expect(result).toBeInstanceOf(RecordUnreadableError);
          expect(String(result)).toContain(storeKey);
          answered.refused += 1;
        }
      }),
      { numRuns: RUNS },
    );
    expect(Math.min(answered.duplicate, answered.refused)).toBeGreaterThan(RUNS / 10);
  });
});
