import { millis } from "@nats-io/nats-core";
import { readBucket } from "../../nats/kv/bucket-list.ts";
import { type FilterFlags, isMatch, subjectsOfFilter } from "./key-filter.ts";
import type { OpenBucket, OpenBuckets } from "./open-buckets.ts";
import { type KeptTerms, readKey } from "./read-key.ts";
import { RevisionTimes } from "./revision-times.ts";
import type { StoredKey } from "./stored-key.ts";

export function termsOf({ name, info }: OpenBucket): KeptTerms {
  const { max_age } = info.config;
  return { bucket: name, maxAgeMs: max_age > 0 ? millis(max_age) : Number.POSITIVE_INFINITY };
}

/** As {@link scanBucket}, one bucket after the other. */
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

/** Reads the keys under some subjects of a bucket that match, in the order of their last writes. @throws {StoreUnavailableError} */
export async function* scanBucket(
  bucket: OpenBucket,
  flags: FilterFlags,
  subjects = subjectsOfFilter(bucket.name, flags),
): AsyncGenerator<StoredKey, void> {
  const terms = termsOf(bucket);
  const times = new RevisionTimes();
  for await (const message of readBucket(bucket.connection, bucket.read, subjects)) {
    times.note(message);
    if (message.isTombstone) continue;
    const kept = withTimes(readKey(message, terms), times);
    if (isMatch(kept, flags, bucket.serverMs())) yield kept;
  }
}

function withTimes(kept: StoredKey, times: RevisionTimes): StoredKey {
  if (kept.state !== "reserved") return kept;
  return { ...kept, heldSinceMs: times.heldSinceMs(kept.fence, kept.heldSinceMs) };
}
