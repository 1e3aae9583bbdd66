import { describe, expect, it } from "vitest";
import { resolveIdentity } from "../../../src/model/identity.ts";
import { type DedupRecord, encodeRecord } from "../../../src/model/record.ts";
import { RecordWrite } from "../../../src/nats/kv/record-write.ts";

const identity = resolveIdentity({ subscriptionId: "orders", eventId: "1" });
const limits = { maxWindowMs: 60_000, timeoutMs: 5_000 };

function recordOf(state: DedupRecord["state"], leaseMs = 30_000): DedupRecord {
  const { workspaceId, subscriptionId, eventId } = identity;
  const ids = { v: 1, workspaceId, subscriptionId, eventId, owner: "a", token: "t" } as const;
  return { ...ids, state, attempt: 1, fence: 0, leaseMs, atMs: 1_700_000_000_000 };
}

function writeOf(record: DedupRecord, how = { expected: 0, ttlMs: 31_500 }): RecordWrite {
  return new RecordWrite(identity.storeKey, record, how, limits);
}

describe("a write of a record", () => {
  it("keeps the key for whole seconds, and no shorter than asked", () => {
    expect(writeOf(recordOf("reserved")).ttlSeconds).toBe(32);
  });

  it("is as long as its commit can be if it is a reservation, and is the record's JSON otherwise", () => {
    const [reservation, commit] = [recordOf("reserved"), recordOf("committed")];
    expect(writeOf(reservation).payload).toBe(encodeRecord(reservation).padEnd(encodeRecord(reservation).length + 40));
    expect(writeOf(commit).payload).toBe(encodeRecord(commit));
  });

  it("is repeated after a quarter of the lease, or after the store's time limit if that is shorter", () => {
    expect(writeOf(recordOf("reserved", 1_001)).timeoutMs).toBe(251);
    expect(writeOf(recordOf("reserved", 60_000)).timeoutMs).toBe(5_000);
  });

  it("over another revision differs only in that", () => {
    const write = writeOf(recordOf("reserved"));
    const { key, payload, ttlSeconds, operation, timeoutMs } = write;
    expect(write.over(7)).toEqual({ key, payload, ttlSeconds, operation, timeoutMs, expected: 7 });
  });

  it.each([
    ["expected", { expected: -1, ttlMs: 0 }],
    ["ttlMs", { expected: 0, ttlMs: 0 }],
    ["ttlMs", { expected: 0, ttlMs: 60_001 }],
  ])("names a wrong `%s`", (field, how) => {
    expect(() => writeOf(recordOf("reserved"), how)).toThrow(`\`${field}\``);
  });
});
