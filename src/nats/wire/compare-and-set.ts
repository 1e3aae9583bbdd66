import { MsgHdrsImpl } from "@nats-io/nats-core";
import type { Revision } from "../../model/store.ts";

/** A write to a bucket. The server stores it if `expected` is the revision of its key. */
export interface CompareAndSet {
  readonly key: string;
  readonly expected: Revision;
  readonly payload: string;
  readonly ttlSeconds: number;
  /** `remove` leaves a tombstone in place of a record. */
  readonly operation: "put" | "remove";
  /** Time limit of one attempt, in milliseconds. */
  readonly timeoutMs: number;
}

/** Position of a write in a batch, counting from 1. The last write commits the batch. */
export interface BatchPlace {
  readonly id: string;
  readonly number: number;
  readonly isLast: boolean;
}

/** Write-only headers, kept as text: the client's own are lists in a map and cost three times as much to encode. */
class WrittenHeaders extends MsgHdrsImpl {
  text = "";

  override encode(): Uint8Array {
    return Buffer.from(this.text);
  }
}

/** One shared object: the client encodes headers while it publishes and keeps no reference. */
const written = new WrittenHeaders();

/**
 * Builds the headers that make a stream message a compare-and-set with a time to live and a place in a batch.
 * Publish them before the next call: every call returns the same object.
 * @param revisionOffset of the bucket: the server expects its own sequence numbers.
 */
export function writeHeaders(
  stream: string,
  write: CompareAndSet,
  revisionOffset: number,
  place?: BatchPlace,
): MsgHdrsImpl {
  const { ttlSeconds, operation } = write;
  const expected = write.expected === 0 ? 0 : write.expected - revisionOffset;
  // Never a purge: a purge is a rollup, and the server leaks purged messages that still have time to live.
  const removal = operation === "remove" ? "KV-Operation: DEL\r\n" : "";
  written.text = `NATS/1.0\r\nNats-Expected-Stream: ${stream}\r\nNats-Expected-Last-Subject-Sequence: ${expected}\r\nNats-TTL: ${ttlSeconds}s\r\n${removal}${place === undefined ? "" : placeText(place)}\r\n`;
  return written;
}

function placeText({ id, number, isLast }: BatchPlace): string {
  return `Nats-Batch-Id: ${id}\r\nNats-Batch-Sequence: ${number}\r\n${isLast ? "Nats-Batch-Commit: 1\r\n" : ""}`;
}
