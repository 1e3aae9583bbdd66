import { type JetStreamManager, jetstreamManager, type StreamInfo } from "@nats-io/jetstream";
import { ClosedConnectionError, type NatsConnection } from "@nats-io/nats-core";
import { StoreUnavailableError } from "../../errors.ts";
import type { BackoffRange } from "../../internal/backoff.ts";
import { systemClock } from "../../internal/clock.ts";
import { errorMessage } from "../../internal/error-message.ts";
import { retryUntil } from "../../internal/retry.ts";
import { apiCodeOf, apiCodes, isForbidden, isTimeout, readFailed } from "../wire/error-codes.ts";
import { hasBatches } from "../wire/server-version.ts";
import { bucketStream } from "../wire/subject.ts";
import { bucketRefusal, misconfigured, optionRefusal, serverRefusal } from "./bucket-judgement.ts";
import { READINESS_BACKOFF, untilReadable, untilWritable } from "./bucket-readiness.ts";
import { type NewBucketOptions, newBucket } from "./bucket-settings.ts";
import { createdUs, mayRepeatFences, withRaisedFences } from "./revision-offset.ts";
import type { ResolvedNatsStoreOptions, StoreWarning } from "./store-options.ts";

/** A bucket to open, and to create if it does not exist. */
export interface BucketToOpen extends ResolvedNatsStoreOptions, Pick<NewBucketOptions, "firstRevision"> {
  /**
   * Called before and after the bucket is created: replicas with different numbers of shards may start at the same time.
   * @throws {StoreMisconfiguredError} if buckets for another number of shards exist.
   */
  readonly checkShards: () => Promise<void>;
  readonly warn: (warning: StoreWarning["warning"], message: string) => void;
}

/**
 * Opens a bucket, and creates it if it does not exist. Checks that the server and the bucket keep the guarantees.
 * @returns the configuration and state of the bucket.
 * @throws {StoreMisconfiguredError} with every difference.
 * @throws {StoreUnavailableError}
 */
export async function openBucket(connection: NatsConnection, options: BucketToOpen): Promise<StreamInfo> {
  const { bucket } = options;
  if (connection.info === undefined) throw readFailed(bucket, new ClosedConnectionError());
  checkNatsServer(connection.info.version);
  const info = (await findBucket(connection, options)) ?? (await createBucket(connection, options));
  const refusal = bucketRefusal(info, bucket) ?? optionRefusal(info, options);
  if (refusal !== undefined) throw refusal;
  return info;
}

/** @throws {StoreMisconfiguredError} for a server that cannot keep the guarantees, or has no readable version. */
export function checkNatsServer(version: string): void {
  const refusal = serverRefusal(version);
  if (refusal !== undefined) throw refusal;
}

/** Time limit of one look-up, in milliseconds. Servers do not answer while they elect the leader of a new bucket. */
const LOOK_UP_MS = 1_000;

/** Returns `undefined` if there is no such bucket. @throws {StoreUnavailableError} */
async function findBucket(
  connection: NatsConnection,
  { apiPrefix, bucket, timeoutMs }: BucketToOpen,
): Promise<StreamInfo | undefined> {
  const jsm = await managerOf(connection, { apiPrefix, timeoutMs: Math.min(LOOK_UP_MS, timeoutMs) });
  const found = await retryUntil(
    { clock: systemClock, timeoutMs, backoff: READINESS_BACKOFF },
    async (isLast): Promise<{ readonly info: StreamInfo | undefined } | undefined> => {
      try {
        return { info: await jsm.streams.info(bucketStream(bucket)) };
      } catch (cause) {
        if (apiCodeOf(cause) === apiCodes.noStream) return { info: undefined };
        if (!isTimeout(cause) || isLast) throw readFailed(bucket, cause);
        return undefined;
      }
    },
  );
  return found?.info;
}

/** Time limit of a creation, in milliseconds. In a cluster that has just started, servers take up to 8 s for a bucket. */
const CREATION_MS = 30_000;
const CREATION_BACKOFF: BackoffRange = { firstMs: 200, longestMs: 1_000 };
/** Codes of a cluster that has just started, elects a leader, or waits for a server: it may create the bucket a little later. */
const passingCodes: ReadonlySet<number> = new Set([
  apiCodes.noSuitablePeers,
  apiCodes.clusterUnavailable,
  apiCodes.notLeader,
]);

async function createBucket(connection: NatsConnection, options: BucketToOpen): Promise<StreamInfo> {
  const { checkShards } = options;
  await checkShards();
  const jsm = await managerOf(connection, { ...options, timeoutMs: CREATION_MS });
  const info = await addBucket(connection, jsm, options);
  await checkShards();
  await untilWritable(connection, options);
  await untilReadable(jsm, options);
  return info;
}

/** Creates the bucket, or finds the one that another replica created first, with whatever settings. */
async function addBucket(
  connection: NatsConnection,
  jsm: JetStreamManager,
  options: BucketToOpen,
): Promise<StreamInfo> {
  const { bucket, warn } = options;
  const { version = "", cluster } = connection.info ?? {};
  let isCluster = cluster !== undefined;
  const added = await retryUntil(
    { clock: systemClock, timeoutMs: CREATION_MS, backoff: CREATION_BACKOFF },
    async (isLast): Promise<StreamInfo | undefined> => {
      try {
        const info = await jsm.streams.add(newBucket(options, { isCluster, hasBatches: hasBatches(version) }));
        return await startingAtTime(jsm, info);
      } catch (cause) {
        const code = apiCodeOf(cause);
        if (code === apiCodes.nameInUse) return findBucket(connection, options);
        if (code === apiCodes.notClustered && options.replicas === undefined && isCluster) {
          // A server with leaf nodes reports a cluster, even if it is alone.
          isCluster = false;
          warn(
            "one-replica",
            `Bucket ${bucket} has one replica, because the server is not clustered: nothing is dispatched while it is down`,
          );
          return undefined;
        }
        if (code === undefined || !passingCodes.has(code) || isLast) throw creationFailed(bucket, cause);
        return undefined;
      }
    },
  );
  if (added === undefined)
    throw creationFailed(bucket, new Error("another replica created it, and then it was deleted"));
  return added;
}

/** Raises the fences of a new bucket if this replica's clock is behind the server's. Without the permission, the bucket is refused. */
async function startingAtTime(jsm: JetStreamManager, info: StreamInfo): Promise<StreamInfo> {
  if (!mayRepeatFences(info)) return info;
  try {
    return await jsm.streams.update(info.config.name, withRaisedFences(info, createdUs(info)));
  } catch (cause) {
    if (isForbidden(cause)) return info;
    throw cause;
  }
}

function creationFailed(bucket: string, cause: unknown): Error {
  const code = apiCodeOf(cause);
  if (isForbidden(cause)) {
    return misconfigured(`There is no bucket ${bucket}`, ["the connection may not create it"], cause);
  }
  if (code !== undefined && !passingCodes.has(code) && cause instanceof Error) {
    return misconfigured(`Bucket ${bucket} could not be created`, [`the server says: ${cause.message}`], cause);
  }
  const reason = isTimeout(cause) ? "no answer" : errorMessage(cause);
  const within = isTimeout(cause) || code !== undefined ? ` within ${CREATION_MS / 1_000} s` : "";
  const message = `Bucket ${bucket} could not be created${within}: ${reason}; try again when all servers run`;
  return new StoreUnavailableError(message, { ambiguous: false, cause });
}

/** Opens a stream manager with the bucket's domain or API prefix. */
export function managerOf(
  connection: NatsConnection,
  { apiPrefix, timeoutMs }: Pick<ResolvedNatsStoreOptions, "apiPrefix" | "timeoutMs">,
): Promise<JetStreamManager> {
  return jetstreamManager(connection, { checkAPI: false, timeout: timeoutMs, apiPrefix });
}
