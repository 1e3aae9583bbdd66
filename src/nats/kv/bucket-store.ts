import type { StreamInfo } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/nats-core";
import { isStoreUnavailable, StoreUnavailableError } from "../../errors.ts";
import { systemClock } from "../../internal/clock.ts";
import { wholeNumber } from "../../internal/validate.ts";
import { type DispatchFailure, encodeFailure } from "../../model/failure.ts";
import type { KeyFilter, StoreKey } from "../../model/identity.ts";
import type { DedupRecord } from "../../model/record.ts";
import {
  type Change,
  conflict,
  type Entry,
  type Put,
  type Removal,
  type Revision,
  type Store,
} from "../../model/store.ts";
import { type SendBatch, sendBatch } from "../wire/batch.ts";
import type { BucketAddress } from "../wire/bucket-address.ts";
import { BucketWriter } from "../wire/bucket-writer.ts";
import type { CompareAndSet } from "../wire/compare-and-set.ts";
import { multiplexerOf } from "../wire/request-multiplexer.ts";
import { bucketStream } from "../wire/subject.ts";
import { BatchingPolicy, type BucketPolicy, SINGLE_WRITES } from "./batching-policy.ts";
import { type BucketToOpen, managerOf } from "./bucket.ts";
import { bucketEpoch } from "./bucket-epoch.ts";
import { judgeBucket } from "./bucket-judgement.ts";
import { type ListReader, listBucket, listFailures } from "./bucket-list.ts";
import { maxWindowOf } from "./bucket-settings.ts";
import { watchBucket } from "./bucket-watch.ts";
import { readKeyState } from "./key-state.ts";
import { LiveBucket } from "./live-bucket.ts";
import { RecordWrite } from "./record-write.ts";
import { revisionOffset } from "./revision-offset.ts";
import { QUEUE_LIMITS, type QueueLimits, WriteQueue } from "./write-queue.ts";
import type { BucketChannels } from "./write-sender.ts";

/** A store on a NATS server, shared by any number of replicas. It does not close the connection. */
export type NatsStore = Required<Omit<Store, "close">>;

/** Way to send writes. Tests pass others. */
export interface Sending {
  readonly policyFor: (replicas: number) => BucketPolicy;
  readonly sendBatch: SendBatch;
  readonly queueLimits: QueueLimits;
}

/** Sends batches if measurements show that they are faster. */
export const adaptiveSending: Sending = {
  policyFor: (replicas) => new BatchingPolicy(replicas),
  sendBatch,
  queueLimits: QUEUE_LIMITS,
};

/** Returns the store of one open bucket. */
export function bucketStore(
  reader: ListReader,
  options: BucketToOpen,
  opened: StreamInfo,
  sending: Sending,
): NatsStore {
  const { connection, jsm } = reader;
  const { bucket, apiPrefix, timeoutMs } = options;
  const { config } = opened;
  const address: BucketAddress = { bucket, apiPrefix, timeoutMs, revisionOffset: revisionOffset(opened) };
  const maxWindowMs = maxWindowOf(config);
  const requests = multiplexerOf(connection, jsm.getOptions().watcherPrefix);
  const writer = new BucketWriter(requests, address);
  const live = liveBucket(connection, options, opened, address.revisionOffset);
  const channels: BucketChannels = {
    bucket,
    writer,
    sendBatch: (writes, onResult) => sending.sendBatch(requests, address, writes, onResult),
  };
  const policy = config.allow_atomic === true ? sending.policyFor(config.num_replicas) : SINGLE_WRITES;
  // Two queues: replicas compete for empty keys but not for their own, and a conflict breaks up a whole batch.
  const creates = new WriteQueue(policy.creates, channels, sending.queueLimits);
  const updates = new WriteQueue(policy.updates, channels, sending.queueLimits);
  const queueFor = (expected: Revision): WriteQueue => (expected === 0 ? creates : updates);
  const written = (write: CompareAndSet): Promise<Revision | undefined> =>
    new Promise((resolve, reject) => {
      queueFor(write.expected).write(write, (result) => (result instanceof Error ? reject(result) : resolve(result)));
    });

  /** Resolves a conflict of a create. If the key holds a tombstone, repeats the write over the tombstone. */
  async function putOverTombstone(write: RecordWrite): Promise<Put> {
    for (let round = 1; round < TOMBSTONE_ROUNDS; round += 1) {
      const state = await readKeyState(requests, address, write.key).catch((error: unknown) => {
        throw isStoreUnavailable(error) ? inDoubt(bucket, error) : error;
      });
      if (state.type === "record") return conflict(state.entry);
      const revision = await written(write.over(state.revision));
      if (revision !== undefined) return { ok: true, revision };
    }
    return conflict();
  }

  const put = (
    key: StoreKey,
    record: DedupRecord,
    how: { readonly expected: Revision; readonly ttlMs: number },
  ): Promise<Put> =>
    new Promise((resolve, reject) =>
      send(new RecordWrite(key, record, how, { maxWindowMs, timeoutMs }), resolve, reject),
    );

  /** Takes the promise's functions, because a function inside `put` would keep the record. */
  function send(write: RecordWrite, resolve: (put: Put | Promise<Put>) => void, reject: (error: Error) => void): void {
    queueFor(write.expected).write(write, (result) => {
      if (typeof result === "number") {
        live.noteWrite(result, write.ttlMs);
        resolve({ ok: true, revision: result });
      } else if (result === undefined) resolve(write.expected === 0 ? putOverTombstone(write) : conflict());
      else {
        if (isRefusal(result)) live.noteRefusedWrite();
        reject(result);
      }
    });
  }

  return {
    maxWindowMs,

    put(
      key: StoreKey,
      record: DedupRecord,
      how: { readonly expected: Revision; readonly ttlMs: number },
    ): Promise<Put> {
      const admission = isClaim(record) ? live.admit() : undefined;
      return admission === undefined ? put(key, record, how) : admission.then(() => put(key, record, how));
    },

    async get(key: StoreKey): Promise<Entry | undefined> {
      const state = await readKeyState(requests, address, key);
      return state.type === "record" ? state.entry : undefined;
    },

    async failure(key: StoreKey): Promise<DispatchFailure | undefined> {
      const state = await readKeyState(requests, address, key);
      return state.type === "empty" ? state.failure : undefined;
    },

    async remove(
      key: StoreKey,
      how: { readonly expected: Revision; readonly failure?: DispatchFailure },
    ): Promise<Removal> {
      const expected = wholeNumber("expected", how.expected, 0);
      if (expected === 0) return conflict();
      const tombstone = {
        key,
        expected,
        payload: how.failure === undefined ? "" : encodeFailure(how.failure),
        ttlSeconds: how.failure === undefined ? TOMBSTONE_SECONDS : FAILURE_SECONDS,
        operation: "remove",
        timeoutMs,
      } as const;
      return { ok: (await written(tombstone)) !== undefined };
    },

    failures: (filter: KeyFilter): AsyncIterable<DispatchFailure> => listFailures(reader, address, filter),

    list: (filter: KeyFilter): AsyncIterable<Entry> => listBucket(reader, address, filter),

    watch: (filter: KeyFilter, signal: AbortSignal): AsyncIterable<Change> =>
      watchBucket({ connection, jsm, address }, filter, signal),

    invalidation: bucketEpoch(requests, writer, address, maxWindowMs),
  };
}

/** Returns true for the first write of a reservation. */
function isClaim({ state, fence }: DedupRecord): boolean {
  return state === "reserved" && fence === 0;
}

/** Returns true for the answer of a bucket that certainly did not store a write. */
function isRefusal(error: Error): boolean {
  return isStoreUnavailable(error) && !error.ambiguous;
}

/** Time limit of a check of the bucket, in milliseconds. */
const CHECK_MS = 1_000;

/** Returns the checks of a bucket in use. They judge it as the start did, and report changes as warnings. */
function liveBucket(connection: NatsConnection, options: BucketToOpen, opened: StreamInfo, offset: number): LiveBucket {
  const { bucket, warn } = options;
  return new LiveBucket(
    {
      clock: systemClock,
      async read() {
        const jsm = await managerOf(connection, { ...options, timeoutMs: Math.min(CHECK_MS, options.timeoutMs) });
        return jsm.streams.info(bucketStream(bucket));
      },
      judge: (info, use) => judgeBucket(info, options, use, offset),
      onJudgement({ refusal, notes }) {
        if (refusal !== undefined) warn("refused", refusal.message);
        else if (notes.length > 0) warn("differs", `Bucket ${bucket} differs from the options: ${notes.join("; ")}`);
        else warn("restored", `Bucket ${bucket} can be used again`);
      },
    },
    opened,
  );
}

/** Shortest time to live that the server accepts. Until it ends, a create must be repeated over the tombstone. */
const TOMBSTONE_SECONDS = 1;
/** Time for which the tombstone of a failed dispatch stays, or until its next attempt. */
const FAILURE_SECONDS = 3_600;
/** Maximum number of attempts of a create whose key holds a tombstone that other replicas replace or that expires. */
const TOMBSTONE_ROUNDS = 5;

/** One server's refusal does not prove that no other server stored the write. Only the key's content can. */
function inDoubt(bucket: string, cause: unknown): StoreUnavailableError {
  const message = `Bucket ${bucket} refused a write, and the conflicting record could not be read`;
  return new StoreUnavailableError(message, { ambiguous: true, cause });
}
