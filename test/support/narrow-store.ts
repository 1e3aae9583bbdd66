import { RecordTooLargeError, StoreUnavailableError } from "../../src/errors.ts";
import { type DedupRecord, encodeRecord } from "../../src/model/record.ts";
import type { MemoryStore } from "../../src/stores/memory-store.ts";

/** Limit of a store: `too large` for any record beyond `maxBytes`, or `full` if only that much room is left for a record. */
export interface Limit {
  readonly maxBytes: number;
  readonly as: "too large" | "full";
}

/** Size of a record, with the room that a reservation keeps free for its commit. */
export function sizeOf(record: DedupRecord): number {
  return Buffer.byteLength(encodeRecord(record)) + (record.state === "reserved" ? 40 : 0);
}

/** A store that refuses records beyond a limit, which may change. `onRefusal` is called for each. */
export function narrowStore(inner: MemoryStore, limit: () => Limit, onRefusal: () => void = () => {}): MemoryStore {
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
