import { millis } from "@nats-io/nats-core";
import { readCompletely } from "../../nats/kv/bucket-list.ts";
import { keyOf } from "../../nats/wire/subject.ts";
import type { OpenBucket, OpenBuckets } from "../connection/open-buckets.ts";
import { type FilterFlags, subjectsOfFilter } from "./key-filter.ts";
import { matchingKeys, withoutFailed } from "./matching-keys.ts";
import type { RecordSource } from "./read-key.ts";
import type { ListedKey, StoredKey } from "./stored-key.ts";

export function sourceOf({ name, info }: Pick<OpenBucket, "name" | "info">): RecordSource {
  const { max_age } = info.config;
  return {
    bucket: name,
    title: `bucket ${name}`,
    keyOf: (subject) => keyOf(name, subject),
    maxAgeMs: max_age > 0 ? millis(max_age) : Number.POSITIVE_INFINITY,
  };
}

/** Scans all buckets in turn, and includes the empty keys whose dispatch failed. See {@link scanBucket}. */
export async function* scanBuckets(
  { buckets }: OpenBuckets,
  flags: FilterFlags,
  subjectsIn = (bucket: string): string | undefined => subjectsOfFilter(bucket, flags),
): AsyncGenerator<ListedKey, void> {
  for (const bucket of buckets) {
    const subjects = subjectsIn(bucket.name);
    if (subjects !== undefined) yield* scanSubjects(bucket, flags, subjects);
  }
}

/**
 * Reads the matching keys of a bucket in the order of their last writes, including the latest writes.
 * @throws {StoreUnavailableError}
 */
export function scanBucket(bucket: OpenBucket, flags: FilterFlags): AsyncGenerator<StoredKey, void> {
  return withoutFailed(scanSubjects(bucket, flags, subjectsOfFilter(bucket.name, flags)));
}

function scanSubjects(bucket: OpenBucket, flags: FilterFlags, subjects: string): AsyncGenerator<ListedKey, void> {
  return matchingKeys(readCompletely(bucket, bucket.read, subjects), sourceOf(bucket), flags, bucket.serverMs);
}
