import { readCompletely } from "../../nats/kv/bucket-list.ts";
import { differences } from "../../nats/kv/bucket-settings.ts";
import type { StoredMessage } from "../../nats/kv/stored-message.ts";
import { subjectsOf } from "../../nats/wire/subject.ts";
import { readKey } from "../stored-keys/read-key.ts";
import { sourceOf } from "../stored-keys/scan.ts";
import type { CommittedKey, ReservedKey, UnreadableKey } from "../stored-keys/stored-key.ts";
import type { ShardBucket, ShardSet } from "./shard-sets.ts";

/** Why the keys of a set cannot be copied. */
export type CopyRefusal =
  /** Reservations exist: their holders write to the old buckets. */
  | { readonly reason: "reserved"; readonly reserved: readonly ReservedKey[] }
  /** Records that this version cannot read: they may be reservations. */
  | { readonly reason: "unreadable"; readonly unreadable: readonly UnreadableKey[] }
  /** Settings of a bucket break the guarantees. */
  | { readonly reason: "settings"; readonly bucket: string; readonly settings: readonly string[] }
  /** The keys do not fit into the new buckets. */
  | { readonly reason: "too-large"; readonly bytes: number; readonly maxBytes: number };

/** Returns why the settings and sizes of the buckets rule out a copy to `to` shards; `undefined` if they do not. */
export function refusalOfSettings({ buckets }: ShardSet, to: number): CopyRefusal | undefined {
  for (const { name, info, role } of buckets) {
    const subjects = role.type === "live" ? info.config.subjects : [subjectsOf(name)];
    const wrong = differences({ ...info.config, subjects }, name);
    if (wrong.length === 0) continue;
    return { reason: "settings", bucket: name, settings: wrong.map(({ setting }) => setting) };
  }
  const bytes = buckets.reduce((sum, { info }) => sum + info.state.bytes, 0) / to;
  const maxBytes = buckets[0]?.info.config.max_bytes ?? -1;
  return maxBytes > 0 && bytes > maxBytes ? { reason: "too-large", bytes, maxBytes } : undefined;
}

/** A committed key with the message that holds it. */
export interface KeyToCopy {
  readonly kept: CommittedKey;
  readonly message: StoredMessage;
}

/** Keys of a set that hold something other than a commit. */
export interface OtherKeys {
  readonly reserved: ReservedKey[];
  readonly unreadable: UnreadableKey[];
}

/** Reads every key of a set. Yields the committed ones and collects the others. @throws {StoreUnavailableError} */
export async function* readKeys({ buckets }: ShardSet, others: OtherKeys): AsyncGenerator<KeyToCopy, void> {
  for (const bucket of buckets) {
    for await (const message of readMessages(bucket)) {
      if (message.isTombstone) continue;
      const kept = readKey(message, sourceOf(bucket));
      if (kept.state === "committed") yield { kept, message };
      else if (kept.state === "reserved") others.reserved.push(kept);
      else others.unreadable.push(kept);
    }
  }
}

/** Reads every message of a bucket, tombstones included. @throws {StoreUnavailableError} */
export function readMessages({ name, read, ...reader }: ShardBucket): AsyncGenerator<StoredMessage, void> {
  return readCompletely(reader, read, subjectsOf(name));
}

export function refusalOfKeys({ reserved, unreadable }: OtherKeys): CopyRefusal | undefined {
  if (reserved.length > 0) return { reason: "reserved", reserved };
  return unreadable.length > 0 ? { reason: "unreadable", unreadable } : undefined;
}
