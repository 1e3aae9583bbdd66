import { headers, type MsgHdrs } from "@nats-io/nats-core";
import type { StoreKey } from "../key.ts";
import type { Revision } from "../store.ts";

/** A write to a bucket, which is stored if `expected` is the revision of its key. */
export interface CompareAndSet {
  readonly key: StoreKey;
  readonly expected: Revision;
  readonly payload: string;
  readonly ttlSeconds: number;
  /** `remove` leaves a mark in the place of a record. */
  readonly operation: "put" | "remove";
}

/** The headers that make a message of a stream a compare-and-set, and give it a time to live. */
export function headersOf(stream: string, { expected, ttlSeconds, operation }: CompareAndSet): MsgHdrs {
  const fields = headers();
  fields.append("Nats-Expected-Stream", stream);
  fields.append("Nats-Expected-Last-Subject-Sequence", String(expected));
  fields.append("Nats-TTL", `${ttlSeconds}s`);
  // Not a purge: that is a rollup, and what it takes away with time left to live stays in the server's memory.
  if (operation === "remove") fields.append("KV-Operation", "DEL");
  return fields;
}
