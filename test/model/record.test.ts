import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { RecordUnreadableError } from "../../src/errors.ts";
import { checkRecord, type DedupRecord, decodeRecord, encodeRecord } from "../../src/model/record.ts";

const reserved: DedupRecord = {
  v: 1,
  state: "reserved",
  workspaceId: "default",
  subscriptionId: "sub-1",
  eventId: "evt-1",
  owner: "replica-a",
  token: "token-1",
  attempt: 1,
  fence: 0,
  leaseMs: 30_000,
  atMs: 1_700_000_000_000,
};

const text = fc.string({ unit: "grapheme", minLength: 1 });
const count = (min: number): fc.Arbitrary<number> => fc.integer({ min, max: Number.MAX_SAFE_INTEGER });
const fields = {
  v: fc.constant(1 as const),
  workspaceId: text,
  subscriptionId: text,
  eventId: text,
  owner: text,
  token: text,
  attempt: count(1),
  fence: count(0),
  leaseMs: count(1),
  atMs: fc.double({ min: 0, max: 8.64e15, noNaN: true }),
  fingerprint: text,
};
const required = [
  "v",
  "workspaceId",
  "subscriptionId",
  "eventId",
  "owner",
  "token",
  "attempt",
  "fence",
  "leaseMs",
  "atMs",
] as const;
const record: fc.Arbitrary<DedupRecord> = fc.oneof(
  fc.record({ ...fields, state: fc.constant("reserved" as const) }, { requiredKeys: ["state", ...required] }),
  fc.record(
    { ...fields, state: fc.constant("committed" as const), result: fc.jsonValue() },
    { requiredKeys: ["state", ...required] },
  ),
);

function refusal(read: () => unknown): RecordUnreadableError {
  try {
    read();
  } catch (error) {
    if (error instanceof RecordUnreadableError) return error;
    throw error;
  }
  throw new Error("It was read");
}

/** Calls `read`. Only a RecordUnreadableError that names the key may be thrown. */
function readsOrRefuses(read: () => unknown): void {
  try {
    read();
  } catch (error) {
    if (!(error instanceof RecordUnreadableError)) throw error;
    expect(error.message).toContain("the-key");
  }
}

const FOREIGN = "Another program wrote it: clear the key, and use a bucket for Latchkey alone";

describe("a record", () => {
  it("is unchanged after a write and a read", () => {
    fc.assert(
      fc.property(record, (one) => {
        expect(decodeRecord(encodeRecord(one), "the-key")).toEqual(JSON.parse(JSON.stringify(one)));
      }),
    );
  });

  it("is human-readable JSON", () => {
    expect(encodeRecord(reserved)).toBe(
      '{"v":1,"state":"reserved","workspaceId":"default","subscriptionId":"sub-1","eventId":"evt-1","owner":"replica-a",' +
        '"token":"token-1","attempt":1,"fence":0,"leaseMs":30000,"atMs":1700000000000}',
    );
  });

  it("may contain fields of a later version", () => {
    const extended = { ...reserved, addedLater: true };
    expect(decodeRecord(JSON.stringify(extended), "the-key")).toEqual(extended);
  });
});

describe("an unreadable record", () => {
  it.each([
    ["2", "2"],
    ["0", "0"],
    ['"1"', "1"],
    ["null", "null"],
    ['{"secret":"payload"}', "…"],
    ["true", "true"],
  ])("is rejected with its version %s and its key", (json, shown) => {
    const error = refusal(() => decodeRecord(encodeRecord(reserved).replace('"v":1', `"v":${json}`), "the-key"));
    expect(error.code).toBe("record-unreadable");
    expect(error.message).toBe(
      `The record of the-key has version ${shown}; this version of Latchkey reads version 1. Upgrade this replica`,
    );
  });

  it("is rejected without a version", () => {
    expect(refusal(() => decodeRecord("{}", "the-key")).message).toContain("has version undefined");
  });

  it.each<[string, unknown[]]>([
    ["state", ["pending", "", 1, null, undefined]],
    ["workspaceId", ["", 1, null, undefined]],
    ["subscriptionId", ["", 1, null, undefined]],
    ["eventId", ["", {}, null, undefined]],
    ["owner", ["", [], null, undefined]],
    ["token", ["", 1, null, undefined]],
    ["attempt", [0, -1, 1.5, "1", null, undefined, 2 ** 53]],
    ["fence", [-1, 0.5, "0", null, undefined, 2 ** 53]],
    ["leaseMs", [0, -1, 1.5, "1", null, undefined]],
    ["atMs", ["1", null, undefined, 8.64e15 + 1, -1e308]],
    ["fingerprint", [1, null, {}]],
  ])("is rejected with an invalid `%s`, and both names are in the message", (field, values) => {
    for (const value of values) {
      const error = refusal(() => decodeRecord(JSON.stringify({ ...reserved, [field]: value }), "the-key"));
      expect(error.message).toBe(`The record of the-key has no valid \`${field}\`. ${FOREIGN}`);
    }
  });

  it("is rejected when its result is too deeply nested to copy", () => {
    const nested = (levels: number): string => `${"[".repeat(levels)}${"]".repeat(levels)}`;
    const committed = (levels: number): string =>
      JSON.stringify({ ...reserved, state: "committed", result: 0 }).replace(
        '"result":0',
        `"result":${nested(levels)}`,
      );
    expect(decodeRecord(committed(100), "the-key")).toMatchObject({ state: "committed" });
    for (const levels of [101, 100_000]) {
      const error = refusal(() => decodeRecord(committed(levels), "the-key"));
      expect(error.message).toBe(`The record of the-key has no valid \`result\`. ${FOREIGN}`);
    }
  });

  it.each(["", "{", "reserved", "\0", "[1", '{"v":1'])("is rejected when it is not JSON: %j", (encoded) => {
    const error = refusal(() => decodeRecord(encoded, "the-key"));
    expect(error.message).toBe(`Key the-key does not hold JSON. ${FOREIGN}`);
    expect(error.cause).toBeInstanceOf(SyntaxError);
  });

  it.each(["null", "1", '"text"', "[]", "true"])("is rejected when it is no object: %s", (encoded) => {
    expect(refusal(() => decodeRecord(encoded, "the-key")).message).toBe(
      `Key the-key does not hold a Latchkey record. ${FOREIGN}`,
    );
  });

  it("never crashes the reader, for any text, any JSON and records with one replaced field", () => {
    const broken = fc
      .tuple(record, fc.constantFrom("state", ...required), fc.jsonValue())
      .map(([one, field, value]) => JSON.stringify({ ...one, [field]: value }));
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.string({ unit: "binary" }), fc.json(), broken), (encoded) => {
        readsOrRefuses(() => decodeRecord(encoded, "the-key"));
      }),
      { numRuns: 1_000 },
    );
  });

  it("never crashes the reader, for any value that a store may return", () => {
    const circular: Record<string, unknown> = {};
    circular["v"] = circular;
    const odd: unknown[] = [circular, { v: 1n }, { v: Symbol("v") }, { v: () => 1 }, new Map(), Object.create(null)];
    fc.assert(
      fc.property(
        fc.oneof(fc.anything({ withBigInt: true, withNullPrototype: true }), fc.constantFrom(...odd)),
        (value) => {
          const error = refusal(() => checkRecord(value, "the-key"));
          expect(error.message).toContain("the-key");
        },
      ),
      { numRuns: 1_000 },
    );
  });
});
