import type { MsgHdrs } from "@nats-io/nats-core";
import type { Revision } from "../../model/store.ts";

/** A message in a bucket. */
export interface StoredMessage {
  readonly subject: string;
  readonly revision: Revision;
  /** Time of the write in milliseconds since 1970, by the clock of the server that led the bucket. */
  readonly storedAtMs: number;
  /** Time to live from then on, in milliseconds; `undefined` if only the bucket's `max_age` ends it. */
  readonly ttlMs: number | undefined;
  readonly isTombstone: boolean;
  readonly payload: string;
}

export function storedMessage(
  fields: MsgHdrs | undefined,
  message: Pick<StoredMessage, "subject" | "revision" | "payload"> & { readonly time: string },
): StoredMessage {
  const { subject, revision, payload, time } = message;
  const ttlMs = ttlOf(fields?.last("Nats-TTL") ?? "");
  return { subject, revision, payload, storedAtMs: Date.parse(time), ttlMs, isTombstone: isTombstone(fields) };
}

/** Returns true if a message is a tombstone: Latchkey's, or that of an operator's `delete` or `purge`. */
export function isTombstone(fields: MsgHdrs | undefined): boolean {
  return fields?.has("KV-Operation") ?? false;
}

const SECOND_MS = 1_000;
const UNITS_MS: ReadonlyMap<string, number> = new Map([
  ["h", 3_600_000],
  ["m", 60_000],
  ["s", SECOND_MS],
  ["ms", 1],
  ["us", 1e-3],
  ["µs", 1e-3],
  ["ns", 1e-6],
]);

/** Parses whole seconds or a Go duration (`1h30m`), which the server truncates to whole seconds. `never` is `undefined`. */
function ttlOf(text: string): number | undefined {
  if (/^\d+$/.test(text)) return Number(text) * SECOND_MS;
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(h|ms|m|s|us|µs|ns)/g)];
  if (text === "" || parts.map(([part]) => part).join("") !== text) return undefined;
  const ttlMs = parts.reduce((sum, [, count, unit = ""]) => sum + Number(count) * (UNITS_MS.get(unit) ?? 0), 0);
  return Math.floor(ttlMs / SECOND_MS) * SECOND_MS;
}
