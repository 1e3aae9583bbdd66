import { readFromLeader } from "../../nats/kv/leader-read.ts";
import type { OpenBucket, OpenBuckets } from "../connection/open-buckets.ts";
import { readFailedKey, readKey } from "./read-key.ts";
import { sourceOf } from "./scan.ts";
import type { ListedKey, RemovedKey } from "./stored-key.ts";

/**
 * Reads the keys under `subjectsIn` from the leaders of the buckets. Needs only the permissions of a replica.
 * @throws {StoreUnavailableError}
 */
export async function lookUp(
  { buckets }: OpenBuckets,
  subjectsIn: (bucket: string) => string | undefined,
): Promise<ReadonlyArray<ListedKey | RemovedKey>> {
  const found = buckets.map(async (bucket) => {
    const subjects = subjectsIn(bucket.name);
    return subjects === undefined ? [] : lookUpIn(bucket, subjects);
  });
  return (await Promise.all(found)).flat();
}

async function lookUpIn(bucket: OpenBucket, subjects: string): Promise<ReadonlyArray<ListedKey | RemovedKey>> {
  const found: (ListedKey | RemovedKey)[] = [];
  for await (const message of readFromLeader(bucket.jsm, bucket.read, { subjects })) {
    const { subject, revision, storedAtMs, isTombstone } = message;
    const source = sourceOf(bucket);
    if (!isTombstone) found.push(readKey(message, source));
    else
      found.push(
        readFailedKey(message, source) ?? { state: "removed", bucket: bucket.name, subject, revision, storedAtMs },
      );
  }
  return found;
}
