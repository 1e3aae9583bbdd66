import type { JetStreamManager, StreamConfig } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/nats-core";
import { isStoreUnavailable, StoreUnavailableError } from "../../errors.ts";
import { wholeNumber } from "../../internal/validate.ts";
import type { KeyFilter, StoreKey } from "../../model/identity.ts";
import { type DedupRecord, encodeRecord } from "../../model/record.ts";
import type { Change, Entry, Put, Removal, Revision, Store } from "../../model/store.ts";
import { type SendBatch, sendBatch } from "../wire/batch.ts";
import { BucketWriter } from "../wire/bucket-writer.ts";
import type { CompareAndSet } from "../wire/compare-and-set.ts";
import { isForbidden } from "../wire/error-codes.ts";
import { inboxOf } from "../wire/request-multiplexer.ts";
import { BatchingPolicy, type Lanes, ONE_BY_ONE, type WayChoice } from "./batching-policy.ts";
import { bucketEpoch } from "./bucket-epoch.ts";
import { listBucket } from "./bucket-list.ts";
import { maxWindowOf } from "./bucket-settings.ts";
import { watchBucket } from "./bucket-watch.ts";
import { readKeyState } from "./key-state.ts";
import type { ResolvedNatsStoreOptions } from "./store-options.ts";
import { WriteQueue, type Written } from "./write-queue.ts";

/** A store whose keys a NATS server holds, so that any number of replicas agree. The connection stays its owner's to close. */
export type NatsStore = Required<Omit<Store, "close">>;

/** How writes are sent; the tests put other ways here. */
export interface Sending {
  readonly chooseWays: (replicas: number) => Lanes;
  readonly sendBatch: SendBatch;
}

export const sendingAsItPays: Sending = { chooseWays: (replicas) => new BatchingPolicy(replicas), sendBatch };

/** The store in one bucket, which is open. */
export function bucketStore(
  connection: NatsConnection,
  jsm: JetStreamManager,
  options: ResolvedNatsStoreOptions,
  config: StreamConfig,
  sending: Sending,
): NatsStore {
  const { bucket } = options;
  const maxWindowMs = maxWindowOf(config);
  const inbox = inboxOf(connection, jsm.getOptions().watcherPrefix);
  const writer = new BucketWriter(inbox, options);
  const ways = config.allow_atomic === true ? sending.chooseWays(config.num_replicas) : ONE_BY_ONE;
  const openLane = (choice: WayChoice): WriteQueue =>
    new WriteQueue({
      bucket,
      writer,
      choice,
      sendBatch: (writes, onOutcome) => sending.sendBatch(inbox, options, writes, onOutcome),
    });
  // Others may be faster with a key that holds nothing; hardly ever with one's own. So conflicts break up no batch of the latter.
  const overNothing = openLane(ways.overNothing);
  const overOwn = openLane(ways.overOwn);
  const send = (write: CompareAndSet, onWritten: (written: Written) => void): void =>
    (write.expected === 0 ? overNothing : overOwn).write(write, onWritten);
  const written = (write: CompareAndSet): Promise<Revision | undefined> =>
    new Promise((resolve, reject) => {
      send(write, (outcome) => (outcome instanceof Error ? reject(outcome) : resolve(outcome)));
    });

  /** A first write over nothing has met something. If that is the mark of a removal, it is repeated over the mark. */
  async function overMark(key: StoreKey, write: CompareAndSet): Promise<Put> {
    for (let round = 1; round < MARK_ROUNDS; round += 1) {
      const standing = await readKeyState(inbox, options, key).catch((error: unknown) => {
        throw isStoreUnavailable(error) && !isForbidden(error) ? inDoubt(bucket, error) : error;
      });
      if (standing.type === "record") return { ok: false, current: standing.entry };
      const revision = await written({ ...write, expected: standing.revision });
      if (revision !== undefined) return { ok: true, revision };
    }
    return { ok: false };
  }

  return {
    maxWindowMs,

    put: (
      key: StoreKey,
      record: DedupRecord,
      how: { readonly expected: Revision; readonly ttlMs: number },
    ): Promise<Put> =>
      new Promise((resolve, reject) => {
        const expected = wholeNumber("expected", how.expected, 0);
        const ttlSeconds = Math.ceil(wholeNumber("ttlMs", how.ttlMs, 1, maxWindowMs) / 1_000);
        const write = { key, expected, payload: encodeRecord(record), ttlSeconds, operation: "put" } as const;
        send(write, (outcome) => {
          if (typeof outcome === "number") resolve({ ok: true, revision: outcome });
          else if (outcome !== undefined) reject(outcome);
          else resolve(expected === 0 ? overMark(key, write) : { ok: false });
        });
      }),

    async get(key: StoreKey): Promise<Entry | undefined> {
      const standing = await readKeyState(inbox, options, key);
      return standing.type === "record" ? standing.entry : undefined;
    },

    async remove(key: StoreKey, how: { readonly expected: Revision }): Promise<Removal> {
      const expected = wholeNumber("expected", how.expected, 0);
      if (expected === 0) return { ok: false };
      const mark = { key, expected, payload: "", ttlSeconds: MARK_SECONDS, operation: "remove" } as const;
      return { ok: (await written(mark)) !== undefined };
    },

    list: (filter: KeyFilter): AsyncIterable<Entry> => listBucket(connection, options, filter),

    watch: (filter: KeyFilter, signal: AbortSignal): AsyncIterable<Change> =>
      watchBucket({ connection, jsm, bucket }, filter, signal),

    invalidation: bucketEpoch(inbox, writer, { ...options, maxWindowMs }),
  };
}

/** The shortest time to live there is; until it ends, a write over nothing has to be repeated over the mark. */
const MARK_SECONDS = 1;
/** A write over nothing that meets a mark is repeated over the mark, which others may meanwhile write over, or which may end. */
const MARK_ROUNDS = 5;

/** That one server of several refused a write does not prove that no other stored it; only what stands there can show that. */
function inDoubt(bucket: string, cause: unknown): StoreUnavailableError {
  const message = `Bucket ${bucket} refused a write, and did not say what stands in its way`;
  return new StoreUnavailableError(message, { ambiguous: true, cause });
}
