import { type MsgHdrs, MsgHdrsImpl } from "@nats-io/nats-core";
import type { Revision } from "../store.ts";

/** A write to a bucket, which is stored if `expected` is the revision of its key. */
export interface CompareAndSet {
  readonly key: string;
  readonly expected: Revision;
  readonly payload: string;
  readonly ttlSeconds: number;
  /** `remove` leaves a mark in the place of a record. */
  readonly operation: "put" | "remove";
}

/** Which message of which batch a write is, counting from 1; the last one commits the batch. */
export interface BatchPlace {
  readonly id: string;
  readonly number: number;
  readonly isLast: boolean;
}

/** The headers that make a message of a stream a compare-and-set, give it a time to live, and its place in a batch. */
export function headersOf(stream: string, write: CompareAndSet, place?: BatchPlace): MsgHdrs {
  const fields: Record<string, string[]> = {
    "Nats-Expected-Stream": [stream],
    "Nats-Expected-Last-Subject-Sequence": [String(write.expected)],
    "Nats-TTL": [`${write.ttlSeconds}s`],
  };
  // Not a purge: that is a rollup, and what it takes away with time left to live stays in the server's memory.
  if (write.operation === "remove") fields["KV-Operation"] = ["DEL"];
  if (place !== undefined) {
    fields["Nats-Batch-Id"] = [place.id];
    fields["Nats-Batch-Sequence"] = [String(place.number)];
    if (place.isLast) fields["Nats-Batch-Commit"] = ["1"];
  }
  return MsgHdrsImpl.fromRecord(fields);
}
