import { RecordUnreadableError } from "../../errors.ts";
import type { KeyFilter, StoreKey } from "../../model/identity.ts";
import type { Change, Entry } from "../../model/store.ts";
import { jointEpoch } from "./bucket-epoch.ts";
import type { NatsStore } from "./bucket-store.ts";
import { merged } from "./merged.ts";

/** The buckets that hold the keys of `bucket` when there are `shards` of them: `orders`, or `orders-1-of-4` to `orders-4-of-4`. */
export function shardNames(bucket: string, shards: number): readonly string[] {
  if (shards === 1) return [bucket];
  return Array.from({ length: shards }, (_, index) => `${bucket}-${index + 1}-of-${shards}`);
}

/** How many buckets share the keys of `bucket` with the one called `name`, as {@link shardNames} names them; `undefined` if it is none. */
export function shardsOf(bucket: string, name: string): number | undefined {
  if (name === bucket) return 1;
  if (!name.startsWith(`${bucket}-`)) return undefined;
  const [, shards] = /^\d+-of-(\d+)$/.exec(name.slice(bucket.length + 1)) ?? [];
  return shards === undefined ? undefined : Number(shards);
}

/** Characters of the digest in base64url: 24 bits, as good as any others of a SHA-256. */
const PREFIX_LENGTH = 4;

/** Which of `shards` holds a key, from 0: its digest's first 24 bits, modulo their number. */
export function shardOf(key: StoreKey, shards: number): number {
  const digest = key.slice(key.lastIndexOf(".") + 1);
  return Buffer.from(digest.slice(0, PREFIX_LENGTH), "base64url").readUIntBE(0, 3) % shards;
}

/** One store of several, each of which holds the keys whose hash picks it. */
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
    list: (filter) => listAll(shards, filter),
    watch: (filter: KeyFilter, signal: AbortSignal): AsyncIterable<Change> =>
      merged(
        shards.map((shard) => (until) => shard.watch(filter, until)),
        signal,
      ),
    invalidation: jointEpoch(shards.map(({ invalidation }) => invalidation)),
  };
}

/** What cannot be read comes last, after all that can be. */
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
