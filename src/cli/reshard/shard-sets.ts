import type { Clock } from "../../internal/clock.ts";
import { type BucketRole, roleOf } from "../../nats/kv/bucket-role.ts";
import { shardNames, shardsOf } from "../../nats/kv/sharded-store.ts";
import { bucketOf } from "../../nats/wire/subject.ts";
import { type BucketServer, type OpenBucket, reachBucket } from "../connection/open-buckets.ts";

/** A bucket with its role in a reshard. */
export interface ShardBucket extends OpenBucket {
  readonly role: BucketRole;
}

/** Existing buckets for one number of shards. */
export interface ShardSet {
  readonly shards: number;
  readonly buckets: readonly ShardBucket[];
  /** Names of buckets of this number that do not exist. */
  readonly missing: readonly string[];
}

/**
 * Finds the buckets of a name, for every number of shards. Closed buckets are included.
 * @throws {Error} of the client if the streams cannot be listed.
 */
export async function findShardSets(server: BucketServer, clock: Clock): Promise<readonly ShardSet[]> {
  const byShards = new Map<number, string[]>();
  for await (const stream of server.jsm.streams.names()) {
    const name = bucketOf(stream);
    const shards = name === undefined ? undefined : shardsOf(server.name, name);
    if (name === undefined || shards === undefined) continue;
    byShards.set(shards, [...(byShards.get(shards) ?? []), name]);
  }
  const sets = [...byShards].map(async ([shards, existing]) => {
    const names = shardNames(server.name, shards);
    const buckets = await Promise.all(
      names.filter((name) => existing.includes(name)).map((name) => openShard(server, name, clock)),
    );
    return { shards, buckets, missing: names.filter((name) => !existing.includes(name)) };
  });
  return (await Promise.all(sets)).toSorted((one, other) => one.shards - other.shards);
}

/** Opens one bucket with its current role and state. @throws as {@link reachBucket}. */
export async function openShard(server: BucketServer, name: string, clock: Clock): Promise<ShardBucket> {
  const bucket = await reachBucket(server, name, clock);
  return { ...bucket, role: roleOf(bucket.info.config) };
}
