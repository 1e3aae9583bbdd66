import type { Store } from "../../model/store.ts";
import { natsStore } from "../../nats/index.ts";
import { shardsOf } from "../../nats/kv/sharded-store.ts";
import type { OpenBuckets } from "../bucket/open-buckets.ts";
import { UnusableError } from "../terminal/errors.ts";
import { sentences } from "../terminal/sentences.ts";

/**
 * The store of the replicas that share these buckets. While their number is being changed, the keys move from those that were made
 * first to the others.
 * @throws {UnusableError} when there are buckets of more than two numbers.
 */
export function storeOf({ connection, name, buckets }: OpenBuckets): Promise<Store> {
  const inOrder = buckets.toSorted((one, other) => one.info.created.localeCompare(other.info.created));
  const [first = 1, second, ...more] = new Set(inOrder.map((bucket) => shardsOf(name, bucket.name)));
  if (more.length > 0) throw new UnusableError(sentences.tooManyShards(name));
  const options = second === undefined ? { shards: first } : { shards: second, formerShards: first };
  return natsStore(connection, { bucket: name, ...options });
}
