import type { Store } from "../../model/store.ts";
import { natsStore } from "../../nats/index.ts";
import { shardsOf } from "../../nats/kv/sharded-store.ts";
import type { OpenBuckets } from "../bucket/open-buckets.ts";
import { UnusableError } from "../terminal/errors.ts";
import { sentences } from "../terminal/sentences.ts";

/** Opens the store of the replicas that share these buckets. @throws {UnusableError} for several numbers of shards. */
export function storeOf({ connection, name, buckets }: OpenBuckets): Promise<Store> {
  const [shards = 1, ...others] = new Set(buckets.map((bucket) => shardsOf(name, bucket.name)));
  if (others.length > 0) throw new UnusableError(sentences.tooManyShards(name));
  return natsStore(connection, { bucket: name, shards });
}
