import { jetstreamManager } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/nats-core";
import { wholeNumber } from "../arguments.ts";
import type { KeyFilter, StoreKey } from "../key.ts";
import { type DedupRecord, encodeRecord } from "../record.ts";
import type { Change, Entry, Put, Removal, Revision, Store } from "../store.ts";
import { openBucket } from "./bucket.ts";
import { listBucket } from "./bucket-list.ts";
import { maxWindowOf } from "./bucket-settings.ts";
import { watchBucket } from "./bucket-watch.ts";
import { BucketWriter } from "./bucket-writer.ts";
import { inboxOf } from "./inbox.ts";
import { readStanding } from "./standing.ts";
import { type NatsStoreOptions, resolveNatsStoreOptions } from "./store-options.ts";

/** A store whose keys a NATS server holds, so that any number of replicas agree. The connection stays its owner's to close. */
export type NatsStore = Required<Omit<Store, "close">>;

/**
 * A {@link Store} in a key-value bucket of NATS JetStream. Creates the bucket if there is none and the connection may do so;
 * in any case it makes sure that the server and the bucket keep the guarantees.
 * @throws {TypeError | RangeError} that names the argument that is wrong.
 * @throws {StoreMisconfiguredError} for a server that is too old, and for a bucket that is configured in another way.
 * @throws {StoreUnavailableError} when the server is out of reach.
 */
export async function natsStore(connection: NatsConnection, options: NatsStoreOptions): Promise<NatsStore> {
  const resolved = resolveNatsStoreOptions(connection, options);
  const { bucket, timeoutMs } = resolved;
  const jsm = await jetstreamManager(connection, { checkAPI: false, timeout: timeoutMs });
  const maxWindowMs = maxWindowOf(await openBucket(connection, jsm, resolved));
  const inbox = inboxOf(connection, jsm.getOptions().watcherPrefix);
  const writer = new BucketWriter(inbox, resolved);

  return {
    maxWindowMs,

    async put(
      key: StoreKey,
      record: DedupRecord,
      how: { readonly expected: Revision; readonly ttlMs: number },
    ): Promise<Put> {
      const expected = wholeNumber("expected", how.expected, 0);
      const ttlSeconds = Math.ceil(wholeNumber("ttlMs", how.ttlMs, 1, maxWindowMs) / 1_000);
      const write = { key, payload: encodeRecord(record), ttlSeconds, operation: "put" } as const;
      let over = expected;
      for (let round = 0; round < MARK_ROUNDS; round += 1) {
        const revision = await writer.write({ ...write, expected: over });
        if (revision !== undefined) return { ok: true, revision };
        if (expected !== 0) break;
        const standing = await readStanding(inbox, resolved, key);
        if (standing.type === "record") return { ok: false, current: standing.entry };
        over = standing.revision;
      }
      return { ok: false };
    },

    async get(key: StoreKey): Promise<Entry | undefined> {
      const standing = await readStanding(inbox, resolved, key);
      return standing.type === "record" ? standing.entry : undefined;
    },

    async remove(key: StoreKey, how: { readonly expected: Revision }): Promise<Removal> {
      const expected = wholeNumber("expected", how.expected, 0);
      if (expected === 0) return { ok: false };
      const mark = { key, expected, payload: "", ttlSeconds: MARK_SECONDS, operation: "remove" } as const;
      return { ok: (await writer.write(mark)) !== undefined };
    },

    list: (filter: KeyFilter): AsyncIterable<Entry> => listBucket(connection, resolved, filter),

    watch: (filter: KeyFilter, signal: AbortSignal): AsyncIterable<Change> =>
      watchBucket({ connection, jsm, bucket }, filter, signal),
  };
}

/** The shortest time to live there is; until it ends, a write over nothing has to be repeated over the mark. */
const MARK_SECONDS = 1;
/** A write over nothing that meets a mark is repeated over the mark, which others may meanwhile write over, or which may end. */
const MARK_ROUNDS = 5;
