import { MsgHdrsImpl } from "@nats-io/nats-core";
import type { Revision } from "../../model/store.ts";

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

/** Headers that are only sent, as text from the beginning: the client's own are lists in a map, and cost three times as much. */
class WrittenHeaders extends MsgHdrsImpl {
  text = "";

  override encode(): Uint8Array {
    return Buffer.from(this.text);
  }
}

/** The client encodes headers while it publishes, and keeps none. */
const written = new WrittenHeaders();

/**
 * The headers that make a message of a stream a compare-and-set, give it a time to live, and its place in a batch. They are to be
 * published before anything else is done: there is one object for all.
 */
export function headersOf(stream: string, write: CompareAndSet, place?: BatchPlace): MsgHdrsImpl {
  const { expected, ttlSeconds, operation } = write;
  // Not a purge: that is a rollup, and what it takes away with time left to live stays in the server's memory.
  const removal = operation === "remove" ? "KV-Operation: DEL\r\n" : "";
  written.text = `NATS/1.0\r\nNats-Expected-Stream: ${stream}\r\nNats-Expected-Last-Subject-Sequence: ${expected}\r\nNats-TTL: ${ttlSeconds}s\r\n${removal}${place === undefined ? "" : placeText(place)}\r\n`;
  return written;
}

function placeText({ id, number, isLast }: BatchPlace): string {
  return `Nats-Batch-Id: ${id}\r\nNats-Batch-Sequence: ${number}\r\n${isLast ? "Nats-Batch-Commit: 1\r\n" : ""}`;
}
