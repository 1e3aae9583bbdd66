import { StoreUnavailableError } from "../../errors.ts";
import { systemClock } from "../../internal/clock.ts";
import type { CacheInvalidation, Revision } from "../../model/store.ts";
import { CacheEpoch } from "../../stores/cache-epoch.ts";
import type { BucketAddress } from "../wire/bucket-address.ts";
import type { BucketWriter } from "../wire/bucket-writer.ts";
import { readFailed } from "../wire/error-codes.ts";
import type { RequestMultiplexer } from "../wire/request-multiplexer.ts";
import { lastMessage } from "./key-state.ts";

/** Key of the epoch. It has one part, so that no list and no watch of keys matches it. */
const EPOCH_KEY = "cleared";
/** Maximum number of attempts while other replicas change the epoch too. */
const MAX_ROUNDS = 10;

/**
 * Keeps the cache-invalidation epoch of a bucket: the revision of a message that has no other content.
 * @param maxWindowMs time to live of the epoch: as long as any record may be cached.
 */
export function bucketEpoch(
  requests: RequestMultiplexer,
  writer: BucketWriter,
  address: BucketAddress,
  maxWindowMs: number,
): CacheInvalidation {
  const { bucket, timeoutMs } = address;
  const read = async (): Promise<Revision> => {
    const message = await lastMessage(requests, address, EPOCH_KEY).catch((cause: unknown) => {
      throw readFailed(bucket, cause);
    });
    return message?.seq ?? 0;
  };
  const ttlSeconds = Math.ceil(maxWindowMs / 1_000);
  const change = async (): Promise<Revision> => {
    for (let round = 0; round < MAX_ROUNDS; round += 1) {
      const write = {
        key: EPOCH_KEY,
        payload: "",
        ttlSeconds,
        operation: "remove",
        timeoutMs,
        expected: await read(),
      } as const;
      const revision = await writer.write(write);
      if (revision !== undefined) return revision;
    }
    const message = `The caches of bucket ${bucket} were not invalidated: other replicas won ${MAX_ROUNDS} attempts`;
    throw new StoreUnavailableError(message, { ambiguous: false });
  };
  return new CacheEpoch(systemClock, { read, change });
}

/** Combines the epochs of several buckets: the joint epoch changes with each of them, and invalidating it invalidates all. */
export function jointEpoch(parts: readonly CacheInvalidation[]): CacheInvalidation {
  let known: readonly number[] = parts.map(() => 0);
  let changes = 0;
  return {
    /** A count of changes, not the sum of the epochs: those start at microseconds, and their sum is not a safe integer. */
    epoch(): number | undefined {
      const epochs = parts.map((part) => part.epoch()).filter((epoch) => epoch !== undefined);
      if (epochs.length < parts.length) return undefined;
      if (epochs.some((epoch, at) => epoch !== known[at])) changes += 1;
      known = epochs;
      return epochs.every((epoch) => epoch === 0) ? 0 : changes;
    },
    async invalidate(): Promise<void> {
      await Promise.all(parts.map((part) => part.invalidate()));
    },
  };
}
