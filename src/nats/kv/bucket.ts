import { type JetStreamManager, jetstreamManager, type StreamInfo } from "@nats-io/jetstream";
import { ClosedConnectionError, type NatsConnection } from "@nats-io/nats-core";
import { StoreMisconfiguredError } from "../../errors.ts";
import { systemClock } from "../../internal/clock.ts";
import { apiCodeOf, apiCodes, isForbidden, isUnanswered, readFailed } from "../wire/error-codes.ts";
import { ADVISED_SERVER, hasBatches, judgeServer, NEEDED_SERVER, WHY_NEEDED } from "../wire/server-version.ts";
import { bucketStream } from "../wire/subject.ts";
import { pause, untilReadable, untilWritable } from "./bucket-readiness.ts";
import { differenceSentence, differences, newBucket } from "./bucket-settings.ts";
import type { ResolvedNatsStoreOptions } from "./store-options.ts";

/** A bucket to open: one of the store's. */
export interface BucketToOpen extends ResolvedNatsStoreOptions {
  /** Called when there is none. @throws {StoreMisconfiguredError} when there should be, so that it is not created. */
  readonly beforeCreation: () => Promise<void>;
  /** The revision that it begins with, if it is created. */
  readonly firstRevision: number;
}

/**
 * Creates the bucket if there is none, and makes sure that the server and the bucket keep the guarantees.
 * @returns how the bucket is configured, and what it holds.
 * @throws {StoreMisconfiguredError} with all that is wrong.
 * @throws {StoreUnavailableError}
 */
export async function openBucket(
  connection: NatsConnection,
  jsm: JetStreamManager,
  options: BucketToOpen,
): Promise<StreamInfo> {
  const { bucket } = options;
  if (connection.info === undefined) throw readFailed(bucket, new ClosedConnectionError());
  const { version, cluster } = connection.info;
  checkServer(version);
  const server = { isCluster: cluster !== undefined, hasBatches: hasBatches(version) };
  const found = await existing(connection, options);
  if (found === undefined) await options.beforeCreation();
  const info = found ?? (await created(connection, jsm, options, server));
  if (found === undefined) {
    await untilWritable(connection, bucket, options.timeoutMs);
    await untilReadable(jsm, bucket, options.timeoutMs);
  }
  const wrong = differences(info.config, options).map(differenceSentence);
  if (wrong.length > 0) throw misconfigured(`Bucket ${bucket} cannot be used as it is`, wrong);
  return info;
}

/** @throws {StoreMisconfiguredError} for a server that is too old, or does not say what it is. */
export function checkServer(version: string): void {
  if (judgeServer(version) !== "unusable") return;
  throw misconfigured("The server cannot keep the guarantees", [
    `its version is ${version || "unknown"}, must be ${NEEDED_SERVER}: ${WHY_NEEDED} ` +
      `(${ADVISED_SERVER} or later with \`sync_interval: always\` and three replicas is advised)`,
  ]);
}

/** For so long a question is waited for. While servers choose who leads a bucket that is just created, nobody answers. */
const ASKED_MS = 1_000;

async function existing(
  connection: NatsConnection,
  { bucket, timeoutMs }: BucketToOpen,
): Promise<StreamInfo | undefined> {
  const jsm = await jetstreamManager(connection, { checkAPI: false, timeout: Math.min(ASKED_MS, timeoutMs) });
  const giveUpAtMs = systemClock.monotonicMs() + timeoutMs;
  for (;;) {
    try {
      return await jsm.streams.info(bucketStream(bucket));
    } catch (cause) {
      if (apiCodeOf(cause) === apiCodes.noStream) return undefined;
      if (!isUnanswered(cause) || systemClock.monotonicMs() >= giveUpAtMs) throw readFailed(bucket, cause);
    }
  }
}

/** What another replica is just creating, once it is heard of. */
async function createdByAnother(connection: NatsConnection, options: BucketToOpen): Promise<StreamInfo | undefined> {
  const giveUpAtMs = systemClock.monotonicMs() + options.timeoutMs;
  for (;;) {
    const found = await existing(connection, options);
    if (found !== undefined || systemClock.monotonicMs() >= giveUpAtMs) return found;
    await pause();
  }
}

async function created(
  connection: NatsConnection,
  jsm: JetStreamManager,
  options: BucketToOpen,
  server: { readonly isCluster: boolean; readonly hasBatches: boolean },
): Promise<StreamInfo> {
  const { bucket } = options;
  try {
    return await jsm.streams.add(newBucket(options, server));
  } catch (cause) {
    const code = apiCodeOf(cause);
    // Another replica was faster: what it created is judged like any other.
    const others = code === apiCodes.nameInUse ? await createdByAnother(connection, options) : undefined;
    if (others !== undefined) return others;
    if (isForbidden(cause)) {
      throw misconfigured(`There is no bucket ${bucket}`, ["the connection may not create it"], cause);
    }
    const isTemporary = code === undefined || code === apiCodes.clusterUnavailable || code === apiCodes.notLeader;
    if (isTemporary || !(cause instanceof Error)) throw readFailed(bucket, cause);
    throw misconfigured(`Bucket ${bucket} could not be created`, [`the server says: ${cause.message}`], cause);
  }
}

export function misconfigured(what: string, wrong: readonly string[], cause?: unknown): StoreMisconfiguredError {
  return new StoreMisconfiguredError(`${what}: ${wrong.join("; ")}`, wrong, cause === undefined ? {} : { cause });
}
