import { millis } from "@nats-io/nats-core";
import { readCompletely } from "../../nats/kv/bucket-list.ts";
import type { OpenBucket, OpenBuckets } from "../connection/open-buckets.ts";
import { type FilterFlags, isMatch, subjectsOfFilter } from "./key-filter.ts";
import { type BucketLimits, readKey } from "./read-key.ts";
import { RevisionTimes } from "./revision-times.ts";
import type { StoredKey } from "./stored-key.ts";

export function limitsOf({ name, info }: OpenBucket): BucketLimits {
  const { max_age } = info.config;
  return { bucket: name, maxAgeMs: max_age > 0 ? millis(max_age) : Number.POSITIVE_INFINITY };
}

/** Scans all buckets in turn. See {@link scanBucket}. */
export async function* scanBuckets(
  { buckets }: OpenBuckets,
  flags: FilterFlags,
  subjectsIn = (bucket: string): string | undefined => subjectsOfFilter(bucket, flags),
): AsyncGenerator<StoredKey, void> {
  for (const bucket of buckets) {
    const subjects = subjectsIn(bucket.name);
    if (subjects !== undefined) yield* scanBucket(bucket, flags, subjects);
  }
}

/**
 * Reads the matching keys of a bucket in the order of their last writes, also those that were written just before. @throws {StoreUnavailableError}
 */
export async function* scanBucket(
  bucket: OpenBucket,
  flags: FilterFlags,
  subjects = subjectsOfFilter(bucket.name, flags),
): AsyncGenerator<StoredKey, void> {
  const limits = limitsOf(bucket);
  const times = new RevisionTimes();
  for await (const message of readCompletely(bucket, bucket.read, subjects)) {
    times.note(message);
    if (message.isTombstone) continue;
    const stored = withTimes(readKey(message, limits), times);
    if (isMatch(stored, flags, bucket.serverMs())) yield stored;
  }
}

function withTimes(stored: StoredKey, times: RevisionTimes): StoredKey {
  if (stored.state !== "reserved") return stored;
  return { ...stored, heldSinceMs: times.heldSinceMs(stored.fence, stored.heldSinceMs) };
}
