import { createHash } from "node:crypto";
import { maxWindowOf } from "../../nats/kv/bucket-settings.ts";
import { shardOf } from "../../nats/kv/sharded-store.ts";
import { BucketWriter } from "../../nats/wire/bucket-writer.ts";
import { multiplexerOf } from "../../nats/wire/request-multiplexer.ts";
import { sourceOf } from "../stored-keys/scan.ts";
import { type KeyToCopy, type OtherKeys, readKeys, readMessages } from "./copy-plan.ts";
import type { ShardBucket, ShardSet } from "./shard-sets.ts";

/** Number of writes in flight. */
const CONCURRENCY = 256;
const SECOND_MS = 1_000;
/** Tolerance for the ends of copied keys beside the uncertainty of the clocks: time to live is in whole seconds. */
const ROUNDING_MS = 3 * SECOND_MS;

/** A key as it was copied. */
interface Copied {
  readonly digest: string;
  /** Index of the new bucket. */
  readonly shard: number;
  /** Old bucket of the key. */
  readonly source: ShardBucket;
  /** End of the key by the clock of the old bucket's leader; `undefined` if it never ends. */
  readonly endsAtMs: number | undefined;
}

/** Content of a copy, for comparison with the new buckets. */
export type CopyIndex = Map<string, Copied>;

/**
 * Copies every committed key, byte by byte and with its remaining time to live, to the new bucket that its hash picks.
 * Collects the keys that are not committed.
 * @throws {StoreUnavailableError}
 */
export async function copyKeys(
  from: ShardSet,
  targets: readonly ShardBucket[],
  others: OtherKeys,
  onCopied: (count: number) => void,
): Promise<CopyIndex> {
  const writers = targets.map(
    ({ connection, jsm, read }) => new BucketWriter(multiplexerOf(connection, jsm.getOptions().watcherPrefix), read),
  );
  const index: CopyIndex = new Map();
  const copyOne = async ({ kept, message }: KeyToCopy): Promise<void> => {
    const source = from.buckets.find(({ name }) => name === kept.bucket);
    const shard = shardOf(kept.key, targets.length);
    const [target, writer] = [targets[shard], writers[shard]];
    if (source === undefined || target === undefined || writer === undefined) throw new RangeError("No such shard");
    const ttlMs = Math.min(remainingMs(kept.endsAtMs, source), maxWindowOf(target.info.config));
    if (ttlMs <= 0) return;
    const { payload } = message;
    const { timeoutMs } = target.read;
    const ttlSeconds = Math.ceil(ttlMs / SECOND_MS);
    index.set(kept.key, { digest: digestOf(payload), shard, source, endsAtMs: kept.endsAtMs });
    const revision = await writer.write({
      key: kept.key,
      expected: 0,
      payload,
      ttlSeconds,
      operation: "put",
      timeoutMs,
    });
    if (revision === undefined)
      throw new Error(`Key ${kept.key} was written to bucket ${target.name} by another process: stop every replica`);
    onCopied(index.size);
  };
  let batch: KeyToCopy[] = [];
  for await (const key of readKeys(from, others)) {
    if (batch.push(key) < CONCURRENCY) continue;
    await Promise.all(batch.map(copyOne));
    batch = [];
  }
  await Promise.all(batch.map(copyOne));
  return index;
}

/** Differences between the old buckets and the copy. All are 0 if the copy is right. */
export interface CopyVerification {
  readonly verified: number;
  readonly missing: number;
  /** Keys with another payload or another remaining time, or in the wrong bucket. */
  readonly different: number;
  /** Keys of the new buckets that the old ones do not have. */
  readonly added: number;
}

/** Compares every key of the new buckets with the copied ones: count, bucket, payload and remaining time. */
export async function verifyCopy(targets: readonly ShardBucket[], index: CopyIndex): Promise<CopyVerification> {
  const seen = new Set<string>();
  let [different, added] = [0, 0];
  for (const [shard, target] of targets.entries()) {
    const { maxAgeMs } = sourceOf(target);
    const keys = `$KV.${target.name}.`.length;
    for await (const { subject, payload, storedAtMs, ttlMs = Number.POSITIVE_INFINITY, isTombstone } of readMessages(
      target,
    )) {
      const key = subject.slice(keys);
      const copied = index.get(key);
      if (copied === undefined || isTombstone || seen.has(key)) {
        added += 1;
        continue;
      }
      seen.add(key);
      const leftMs = remainingMs(storedAtMs + Math.min(ttlMs, maxAgeMs), target);
      const { source, endsAtMs } = copied;
      const isSame = copied.digest === digestOf(payload) && copied.shard === shard;
      if (!isSame || !isSameEnd(leftMs, remainingMs(endsAtMs, source), [source, target])) different += 1;
    }
  }
  let missing = 0;
  for (const [key, { source, endsAtMs }] of index) {
    // A key that ended while the copy was read is not missing.
    if (!seen.has(key) && remainingMs(endsAtMs, source) > 0) missing += 1;
  }
  return { verified: seen.size - different, missing, different, added };
}

/** Returns the remaining time of a key by the clock of its bucket's leader; `Infinity` if it never ends. */
function remainingMs(endsAtMs: number | undefined, { serverMs }: ShardBucket): number {
  return endsAtMs === undefined ? Number.POSITIVE_INFINITY : endsAtMs - serverMs();
}

function isSameEnd(leftMs: number, expectedMs: number, buckets: readonly ShardBucket[]): boolean {
  if (leftMs === expectedMs) return true;
  const clockMs = buckets.reduce((sum, { difference }) => sum + (difference?.uncertaintyMs ?? 0), 0);
  // A key of an unlimited bucket is copied with the longest window.
  if (expectedMs === Number.POSITIVE_INFINITY) return leftMs > 0;
  return Math.abs(leftMs - expectedMs) <= ROUNDING_MS + clockMs;
}

function digestOf(payload: string): string {
  return createHash("sha256").update(payload).digest("base64url");
}
