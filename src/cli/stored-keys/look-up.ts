import { decodeFailure } from "../../model/failure.ts";
import { readFromLeader } from "../../nats/kv/leader-read.ts";
import { subjectsOf } from "../../nats/wire/subject.ts";
import type { OpenBucket, OpenBuckets } from "../connection/open-buckets.ts";
import { readKey } from "./read-key.ts";
import { sourceOf } from "./scan.ts";
import type { RemovedKey, StoredKey } from "./stored-key.ts";

/**
 * Reads the keys under `subjectsIn` from the leaders of the buckets. Needs only the permissions of a replica.
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
  for await (const message of readFromLeader(bucket.jsm, bucket.read, { subjects })) {
    const { subject, revision, storedAtMs } = message;
    if (message.isTombstone) {
      const failure = decodeFailure(message.payload);
      found.push({ state: "removed", bucket: bucket.name, subject, revision, storedAtMs, failure });
    } else found.push(await heldSince(bucket, readKey(message, sourceOf(bucket))));
  }
  return found;
}

/** Adds the time of the first message since the reservation began. */
async function heldSince(bucket: OpenBucket, stored: StoredKey): Promise<StoredKey> {
  if (stored.state !== "reserved" || stored.fence === stored.revision) return stored;
  const later = { subjects: subjectsOf(bucket.name), fromRevision: stored.fence };
  for await (const { storedAtMs } of readFromLeader(bucket.jsm, bucket.read, later)) {
    return { ...stored, heldSinceMs: Math.min(stored.heldSinceMs, storedAtMs) };
  }
  return stored;
}
