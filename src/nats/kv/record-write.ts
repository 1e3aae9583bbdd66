import { wholeNumber } from "../../internal/validate.ts";
import type { StoreKey } from "../../model/identity.ts";
import { type DedupRecord, encodeRecord } from "../../model/record.ts";
import type { Revision } from "../../model/store.ts";
import type { CompareAndSet } from "../wire/compare-and-set.ts";

/** Limits of the writes to one bucket, in milliseconds. */
export interface WriteLimits {
  readonly maxWindowMs: number;
  readonly timeoutMs: number;
}

/** A lost request is repeated after this part of the lease at the latest. A short network failure then does not cost the lease. */
const REQUESTS_PER_LEASE = 4;

/** Number of characters that the numbers in a commit and its headers have at most beyond those of its reservation's first write. */
const COMMIT_ROOM = 42;

/** A write of a record. Of the record, it keeps only the JSON: see "What waits is a class instance" in docs/performance.md. */
export class RecordWrite implements CompareAndSet {
  readonly key: StoreKey;
  readonly expected: Revision;
  readonly payload: string;
  readonly ttlMs: number;
  readonly ttlSeconds: number;
  readonly operation = "put";
  readonly timeoutMs: number;

  /** @throws {TypeError | RangeError} if `expected` is not a revision, or `ttlMs` is not between 1 and the longest window. */
  constructor(
    key: StoreKey,
    record: DedupRecord,
    how: { readonly expected: Revision; readonly ttlMs: number },
    { maxWindowMs, timeoutMs }: WriteLimits,
  ) {
    this.key = key;
    this.expected = wholeNumber("expected", how.expected, 0);
    this.ttlMs = wholeNumber("ttlMs", how.ttlMs, 1, maxWindowMs);
    this.payload = payloadOf(record, this.expected);
    this.ttlSeconds = Math.ceil(this.ttlMs / 1_000);
    this.timeoutMs = Math.min(timeoutMs, Math.ceil(record.leaseMs / REQUESTS_PER_LEASE));
  }

  /** Returns the same write over another revision. */
  over(expected: Revision): CompareAndSet {
    const { key, payload, ttlSeconds, operation, timeoutMs } = this;
    return { key, expected, payload, ttlSeconds, operation, timeoutMs };
  }
}

/**
 * Returns the payload of a record. That of a reservation ends with spaces, so no renewal and no commit without a result is longer.
 * A server that accepts the reservation has room for its commit, whatever `max_payload`, `max_msg_size` and `max_bytes` are.
 */
function payloadOf(record: DedupRecord, expected: Revision): string {
  const encoded = encodeRecord(record);
  if (record.state === "committed") return encoded;
  const room = COMMIT_ROOM - String(expected).length - String(record.fence).length;
  return encoded + " ".repeat(Math.max(0, room));
}
