import { type JetStreamManager, jetstreamManager, type StreamInfo } from "@nats-io/jetstream";
import { ClosedConnectionError, type NatsConnection } from "@nats-io/nats-core";
import { StoreMisconfiguredError } from "../../errors.ts";
import { systemClock } from "../../internal/clock.ts";
import { retryUntil } from "../../internal/retry.ts";
import { apiCodeOf, apiCodes, isForbidden, isTimeout, readFailed } from "../wire/error-codes.ts";
import { ADVISED_SERVER, hasBatches, NEEDED_SERVER, whyUnusable } from "../wire/server-version.ts";
import { bucketStream } from "../wire/subject.ts";
import { READINESS_BACKOFF, untilReadable, untilWritable } from "./bucket-readiness.ts";
import { closedReason } from "./bucket-role.ts";
import { differenceSentence, differences, type NewBucketOptions, newBucket } from "./bucket-settings.ts";
import type { ResolvedNatsStoreOptions } from "./store-options.ts";

/** A bucket to open, and to create if it does not exist. */
export interface BucketToOpen extends ResolvedNatsStoreOptions, Pick<NewBucketOptions, "firstRevision"> {
  /**
   * Called before and after the bucket is created: replicas with different numbers of shards may start at the same time.
   * @throws {StoreMisconfiguredError} if buckets for another number of shards exist.
   */
  readonly checkShards: () => Promise<void>;
}

/**
 * Opens a bucket, and creates it if it does not exist. Checks that the server and the bucket keep the guarantees.
 * @returns the configuration and state of the bucket.
 * @throws {StoreMisconfiguredError} with every difference.
 * @throws {StoreUnavailableError}
 */
export async function openBucket(
  connection: NatsConnection,
  jsm: JetStreamManager,
  options: BucketToOpen,
): Promise<StreamInfo> {
  const { bucket } = options;
  if (connection.info === undefined) throw readFailed(bucket, new ClosedConnectionError());
  checkServer(connection.info.version);
  const info = (await findBucket(connection, options)) ?? (await createBucket(connection, jsm, options));
  const closed = closedReason(info.config);
  if (closed !== undefined) throw misconfigured(`Bucket ${bucket} is closed to replicas`, [closed]);
  const wrong = differences(info.config, options).map(differenceSentence);
  if (wrong.length > 0) throw misconfigured(`Bucket ${bucket} cannot be used as it is`, wrong);
  return info;
}

/** @throws {StoreMisconfiguredError} for a server that cannot keep the guarantees, or has no readable version. */
export function checkServer(version: string): void {
  const why = whyUnusable(version);
  if (why === undefined) return;
  throw misconfigured("The server cannot keep the guarantees", [
    `its version is ${version || "unknown"}, and Latchkey needs ${NEEDED_SERVER}; ${why}; ` +
      `use ${ADVISED_SERVER} or later with \`sync_interval: always\` and three replicas`,
  ]);
}

/** Time limit of one look-up, in milliseconds. Servers do not answer while they elect the leader of a new bucket. */
const LOOK_UP_MS = 1_000;

/** Returns `undefined` if there is no such bucket. @throws {StoreUnavailableError} */
async function findBucket(
  connection: NatsConnection,
  { bucket, timeoutMs }: BucketToOpen,
): Promise<StreamInfo | undefined> {
  const jsm = await jetstreamManager(connection, { checkAPI: false, timeout: Math.min(LOOK_UP_MS, timeoutMs) });
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

async function createBucket(
  connection: NatsConnection,
  jsm: JetStreamManager,
  options: BucketToOpen,
): Promise<StreamInfo> {
  const { bucket, timeoutMs, checkShards } = options;
  const { version = "", cluster } = connection.info ?? {};
  await checkShards();
  const config = newBucket(options, { isCluster: cluster !== undefined, hasBatches: hasBatches(version) });
  const info = await jsm.streams.add(config).catch((cause: unknown) => afterFailedCreation(connection, options, cause));
  await checkShards();
  await untilWritable(connection, bucket, timeoutMs);
  await untilReadable(jsm, bucket, timeoutMs);
  return info;
}

/** Returns the bucket if another replica created it first, with whatever settings. */
async function afterFailedCreation(
  connection: NatsConnection,
  options: BucketToOpen,
  cause: unknown,
): Promise<StreamInfo> {
  const { bucket, timeoutMs } = options;
  const code = apiCodeOf(cause);
  if (code === apiCodes.nameInUse) {
    const retries = { clock: systemClock, timeoutMs, backoff: READINESS_BACKOFF };
    const found = await retryUntil(retries, () => findBucket(connection, options));
    if (found !== undefined) return found;
  }
  if (isForbidden(cause)) {
    throw misconfigured(`There is no bucket ${bucket}`, ["the connection may not create it"], cause);
  }
  const isTemporary = code === undefined || code === apiCodes.clusterUnavailable || code === apiCodes.notLeader;
  if (isTemporary || !(cause instanceof Error)) throw readFailed(bucket, cause);
  throw misconfigured(`Bucket ${bucket} could not be created`, [`the server says: ${cause.message}`], cause);
}

export function misconfigured(what: string, wrong: readonly string[], cause?: unknown): StoreMisconfiguredError {
  return new StoreMisconfiguredError(`${what}: ${wrong.join("; ")}`, wrong, cause === undefined ? {} : { cause });
}
