import type { JetStreamManager } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/nats-core";
import { callListener } from "../../internal/call-listener.ts";
import { systemClock } from "../../internal/clock.ts";
import { isForbidden, readFailed } from "../wire/error-codes.ts";
import { bucketOf } from "../wire/subject.ts";
import { type BucketToOpen, managerOf, openBucket } from "./bucket.ts";
import { misconfigured } from "./bucket-judgement.ts";
import { adaptiveSending, bucketStore, type NatsStore, type Sending } from "./bucket-store.ts";
import { shardedStore, shardNames, shardsOf } from "./sharded-store.ts";
import { type NatsStoreOptions, type ResolvedNatsStoreOptions, resolveNatsStoreOptions } from "./store-options.ts";

/**
 * Opens a {@link Store} in one or several key-value buckets of NATS JetStream. Creates missing buckets if the connection may do so.
 * Checks that the server and the buckets keep the guarantees.
 * @throws {TypeError | RangeError} that names the wrong argument.
 * @throws {StoreMisconfiguredError} for a server that is too old, a bucket with other settings, or another number of shards.
 * @throws {StoreUnavailableError} if the server is out of reach.
 */
export function natsStore(connection: NatsConnection, options: NatsStoreOptions): Promise<NatsStore> {
  return openNatsStore(connection, options, adaptiveSending);
}

/** Opens a store like {@link natsStore}, with another way to send writes. */
export async function openNatsStore(
  connection: NatsConnection,
  options: NatsStoreOptions,
  sending: Sending,
): Promise<NatsStore> {
  const resolved = resolveNatsStoreOptions(connection, options);
  const jsm = await managerOf(connection, resolved);
  const stores = shardNames(resolved.bucket, resolved.shards).map(async (bucket) => {
    const checkShards = (): Promise<void> => refuseOtherShards(jsm, resolved);
    const warn: BucketToOpen["warn"] = (warning, message) =>
      callListener(resolved.onWarning, { bucket, warning, message });
    const shard = { ...resolved, bucket, checkShards, warn, firstRevision: firstRevision() };
    const info = await openBucket(connection, shard);
    return bucketStore({ connection, jsm }, shard, info, sending);
  });
  return shardedStore(await Promise.all(stores));
}

/** Prevents a second set of keys: replicas with the wrong number of shards would dispatch every event again. */
async function refuseOtherShards(jsm: JetStreamManager, { bucket, shards }: ResolvedNatsStoreOptions): Promise<void> {
  for (const stream of await streamNames(jsm, bucket)) {
    const name = bucketOf(stream);
    const others = name === undefined ? undefined : shardsOf(bucket, name);
    if (others === undefined || others === shards) continue;
    throw misconfigured(`Bucket ${bucket} does not have ${shards} shards`, [
      `buckets for ${others} exist: set \`shards\` to ${others}, change the number with \`latchkey reshard\`, or delete them`,
    ]);
  }
}

async function streamNames(jsm: JetStreamManager, bucket: string): Promise<readonly string[]> {
  const names: string[] = [];
  try {
    for await (const name of jsm.streams.names()) names.push(name);
  } catch (cause) {
    if (!isForbidden(cause)) throw readFailed(bucket, cause);
    const wrong =
      "the connection may not create it without a check for other numbers of shards: allow `$JS.API.STREAM.NAMES`";
    throw misconfigured(`There is no bucket ${bucket}`, [wrong], cause);
  }
  return names;
}

/**
 * Returns the first revision of a new bucket: the microseconds since 1970. No bucket counts that fast, so fences rise even if a
 * bucket is deleted and created again. {@link openBucket} raises them if this clock is behind the server's.
 */
function firstRevision(): number {
  return systemClock.wallMs() * 1_000;
}
