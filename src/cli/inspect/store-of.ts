import type { Store } from "../../model/store.ts";
import { natsStore } from "../../nats/index.ts";
import { shardsOf } from "../../nats/kv/sharded-store.ts";
import type { OpenBuckets } from "../connection/open-buckets.ts";
import { CommandError } from "../terminal/command-error.ts";

/**
 * Opens the store of the replicas that share these buckets. While the number of shards changes, keys move from the older buckets
 * to the newer ones.
 * @throws {CommandError} if there are buckets for more than two numbers of shards.
 */

export function storeOf({ connection, name, buckets }: OpenBuckets): Promise<Store> {
  const inOrder = buckets.toSorted((one, other) => one.info.created.localeCompare(other.info.created));
  const [first = 1, second, ...more] = new Set(inOrder.map((bucket) => shardsOf(name, bucket.name)));
  if (more.length > 0)
    throw new CommandError(
      `The server has buckets of ${name} for more than two numbers of shards: choose one with --shards`,
    );
  const options = second === undefined ? { shards: first } : { shards: second, formerShards: first };
  return natsStore(connection, { bucket: name, ...options });
}
