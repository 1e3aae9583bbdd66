import { type NatsStore, natsStore } from "../../nats/index.ts";
import { shardsOf } from "../../nats/kv/sharded-store.ts";
import { CommandError } from "../terminal/command-error.ts";
import type { OpenBuckets } from "./open-buckets.ts";

/** Opens the store of the replicas that share these buckets. @throws {CommandError} for several numbers of shards. */
export function storeOf({ connection, apiPrefix, name, buckets }: OpenBuckets): Promise<NatsStore> {
  const [shards = 1, ...others] = new Set(buckets.map((bucket) => shardsOf(name, bucket.name)));
  if (others.length > 0) {
    throw new CommandError(`Bucket ${name} has buckets for several numbers of shards: choose one with --shards <n>`);
  }
  return natsStore(connection, { bucket: name, shards, apiPrefix });
}
