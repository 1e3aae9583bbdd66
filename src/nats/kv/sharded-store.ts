import { RecordUnreadableError } from "../../errors.ts";
import type { KeyFilter, StoreKey } from "../../model/identity.ts";
import type { Change, Entry } from "../../model/store.ts";
import { jointEpoch } from "./bucket-epoch.ts";
import type { NatsStore } from "./bucket-store.ts";
import { merged } from "./merged.ts";

/** Returns the buckets that share the keys of `bucket`: `orders` for one shard, or `orders-1-of-4` to `orders-4-of-4`. */
export function shardNames(bucket: string, shards: number): readonly string[] {
  if (shards === 1) return [bucket];
  return Array.from({ length: shards }, (_, index) => `${bucket}-${index + 1}-of-${shards}`);
}

/** Returns the number of shards in a name that {@link shardNames} made for `bucket`; `undefined` for other names. */
export function shardsOf(bucket: string, name: string): number | undefined {
  if (name === bucket) return 1;
  if (!name.startsWith(`${bucket}-`)) return undefined;
  const [, shards] = /^\d+-of-(\d+)$/.exec(name.slice(bucket.length + 1)) ?? [];
  return shards === undefined ? undefined : Number(shards);
}

/** Returns the name that the shards of a bucket share. */
export function unshardedName(bucket: string): string {
  return bucket.replace(/-\d+-of-\d+$/, "");
}

/** Length of the digest's prefix that picks the shard, in base64url characters: 24 bits. */
const PREFIX_LENGTH = 4;

/** Returns the index of the shard that holds a key: the first 24 bits of its digest, modulo the number of shards. */
export function shardOf(key: StoreKey, shards: number): number {
  const digest = key.slice(key.lastIndexOf(".") + 1);
  return Buffer.from(digest.slice(0, PREFIX_LENGTH), "base64url").readUIntBE(0, 3) % shards;
}

/** Combines several stores into one. The hash of a key picks the store that holds it. */
export function shardedStore(shards: readonly NatsStore[]): NatsStore {
  const [first] = shards;
  if (first === undefined) throw new RangeError("A store has at least one shard");
  if (shards.length === 1) return first;
  const holding = (key: StoreKey): NatsStore => shards[shardOf(key, shards.length)] ?? first;
  return {
    maxWindowMs: Math.min(...shards.map(({ maxWindowMs }) => maxWindowMs)),
    put: (key, record, how) => holding(key).put(key, record, how),
    get: (key) => holding(key).get(key),
    remove: (key, how) => holding(key).remove(key, how),
    failure: (key) => holding(key).failure(key),
    async *failures(filter) {
      for (const shard of shards) yield* shard.failures(filter);
    },
    list: (filter) => listAll(shards, filter),
    watch: (filter: KeyFilter, signal: AbortSignal): AsyncIterable<Change> =>
      merged(
        shards.map((shard) => (until) => shard.watch(filter, until)),
        signal,
      ),
    invalidation: jointEpoch(shards.map(({ invalidation }) => invalidation)),
  };
}

/** Lists every readable entry, then throws the first error of an unreadable one. */
async function* listAll(shards: readonly NatsStore[], filter: KeyFilter): AsyncGenerator<Entry, void> {
  const unreadable: unknown[] = [];
  for (const shard of shards) {
    try {
      yield* shard.list(filter);
    } catch (error) {
      if (!(error instanceof RecordUnreadableError)) throw error;
      unreadable.push(error);
    }
  }
  if (unreadable.length > 0) throw unreadable[0];
}
