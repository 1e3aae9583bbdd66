import { readFromLeader } from "../../nats/kv/leader-read.ts";
import { subjectsOf } from "../../nats/wire/subject.ts";
import type { OpenBucket, OpenBuckets } from "./open-buckets.ts";
import { readKey } from "./read-key.ts";
import { termsOf } from "./scan.ts";
import type { RemovedKey, StoredKey } from "./stored-key.ts";

/**
 * What the leaders of the buckets hold under a few subjects; needs no more permissions than a replica has.
 * @throws {StoreUnavailableError}
 */
export async function lookUp(
  { buckets }: OpenBuckets,
  subjectsIn: (bucket: string) => string | undefined,
): Promise<ReadonlyArray<StoredKey | RemovedKey>> {
  const found = buckets.map(async (bucket) => {
    const subjects = subjectsIn(bucket.name);
    return subjects === undefined ? [] : lookUpIn(bucket, subjects);
  });
  return (await Promise.all(found)).flat();
}

async function lookUpIn(bucket: OpenBucket, subjects: string): Promise<ReadonlyArray<StoredKey | RemovedKey>> {
  const found: (StoredKey | RemovedKey)[] = [];
  for await (const message of readFromLeader(bucket.jsm, bucket.name, { subjects })) {
    const { subject, revision, storedAtMs } = message;
    if (message.isTombstone) found.push({ state: "removed", bucket: bucket.name, subject, revision, storedAtMs });
    else found.push(await heldSince(bucket, readKey(message, termsOf(bucket))));
  }
  return found;
}

/** With what the first message since then tells of when the reservation began. */
async function heldSince(bucket: OpenBucket, kept: StoredKey): Promise<StoredKey> {
  if (kept.state !== "reserved" || kept.fence === kept.revision) return kept;
  const later = { subjects: subjectsOf(bucket.name), fromRevision: kept.fence };
  for await (const { storedAtMs } of readFromLeader(bucket.jsm, bucket.name, later)) {
    return { ...kept, heldSinceMs: Math.min(kept.heldSinceMs, storedAtMs) };
  }
  return kept;
}
