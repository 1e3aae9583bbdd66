import { RecordTooLargeError, StoreUnavailableError } from "../../src/errors.ts";
import { type DedupRecord, encodeRecord } from "../../src/model/record.ts";
import type { MemoryStore } from "../../src/stores/memory-store.ts";

/** Maximum size of a record, and the error for a larger one: `too large`, or `full`. */
export interface Limit {
  readonly maxBytes: number;
  readonly as: "too large" | "full";
}

/** Returns the size of a record in bytes, including the space that a reservation keeps free for its commit. */
export function sizeOf(record: DedupRecord): number {
  return Buffer.byteLength(encodeRecord(record)) + (record.state === "reserved" ? 40 : 0);
}

/** Returns a store that refuses records above a limit, which may change. Calls `onRefusal` for each. */
export function sizeLimitedStore(
  inner: MemoryStore,
  limit: () => Limit,
  onRefusal: () => void = () => {},
): MemoryStore {
  return {
    ...inner,
    put: async (key, record, how) => {
      const { maxBytes, as } = limit();
      if (sizeOf(record) <= maxBytes) return inner.put(key, record, how);
      onRefusal();
      if (as === "too large") throw new RecordTooLargeError("The record is too large for the store");
      throw new StoreUnavailableError("The store is full", { ambiguous: false, full: true });
    },
  };
}
