import type { JetStreamManager, StreamConfig } from "@nats-io/jetstream";
import { ClosedConnectionError, type NatsConnection } from "@nats-io/nats-core";
import { StoreMisconfiguredError } from "../errors.ts";
import { apiCodeOf, apiCodes, isForbidden, readFailed } from "./answers.ts";
import { untilReadable, untilWritable } from "./bucket-readiness.ts";
import { differences, newBucket } from "./bucket-settings.ts";
import type { ResolvedNatsStoreOptions } from "./store-options.ts";
import { streamOf } from "./subject.ts";

/** The oldest server that keeps the guarantees; of the 2.12 series, its second. */
const MINIMUM_SERVER = [2, 11, 10] as const;
const BROKEN_SERVER = "2.12.0";
/** From here on the server takes batches that are stored as a whole or not at all. */
const FIRST_WITH_BATCHES = [2, 12, 1] as const;

/**
 * Creates the bucket if there is none, and makes sure that the server and the bucket keep the guarantees.
 * @returns how the bucket is configured.
 * @throws {StoreMisconfiguredError} with all that is wrong.
 * @throws {StoreUnavailableError}
 */
export async function openBucket(
  connection: NatsConnection,
  jsm: JetStreamManager,
  options: ResolvedNatsStoreOptions,
): Promise<StreamConfig> {
  const { bucket } = options;
  if (connection.info === undefined) throw readFailed(bucket, new ClosedConnectionError());
  const version = checkServer(connection.info.version);
  const server = {
    isCluster: connection.info.cluster !== undefined,
    hasBatches: !isOlder(version, FIRST_WITH_BATCHES),
  };
  const found = await existing(jsm, bucket);
  const config = found ?? (await created(jsm, options, server));
  if (found === undefined) {
    await untilWritable(connection, bucket, options.timeoutMs);
    await untilReadable(jsm, bucket, options.timeoutMs);
  }
  const wrong = differences(config, options);
  if (wrong.length > 0) throw misconfigured(`Bucket ${bucket} cannot be used as it is`, wrong);
  return config;
}

/**
 * @returns the parts of the version.
 * @throws {StoreMisconfiguredError} for a server that is too old, or does not say what it is.
 */
export function checkServer(version: string): readonly number[] {
  const parts = /^v?(\d+)\.(\d+)\.(\d+)/.exec(version)?.slice(1, 4).map(Number);
  const isRight = parts !== undefined && !isOlder(parts, MINIMUM_SERVER) && parts.join(".") !== BROKEN_SERVER;
  if (isRight) return parts;
  throw misconfigured("The server cannot keep the guarantees", [
    `its version is ${version || "unknown"}, must be 2.11.10 or later but ${BROKEN_SERVER}: older servers let several writers win, ` +
      "or never end a reservation (2.12.6 or later with `sync_interval: always` and three replicas is advised)",
  ]);
}

function isOlder(parts: readonly number[], than: readonly number[]): boolean {
  const index = than.findIndex((part, at) => part !== parts[at]);
  return index !== -1 && Number(parts[index]) < Number(than[index]);
}

async function existing(jsm: JetStreamManager, bucket: string): Promise<StreamConfig | undefined> {
  try {
    return (await jsm.streams.info(streamOf(bucket))).config;
  } catch (cause) {
    if (apiCodeOf(cause) === apiCodes.noStream) return undefined;
    throw readFailed(bucket, cause);
  }
}

async function created(
  jsm: JetStreamManager,
  options: ResolvedNatsStoreOptions,
  server: { readonly isCluster: boolean; readonly hasBatches: boolean },
): Promise<StreamConfig> {
  const { bucket } = options;
  try {
    return (await jsm.streams.add(newBucket(options, server))).config;
  } catch (cause) {
    const code = apiCodeOf(cause);
    // Another replica was faster, with other options: what it created is judged like any other.
    const others = code === apiCodes.nameInUse ? await existing(jsm, bucket) : undefined;
    if (others !== undefined) return others;
    if (isForbidden(cause)) {
      throw misconfigured(`There is no bucket ${bucket}`, ["the connection may not create it"], cause);
    }
    const isTemporary = code === undefined || code === apiCodes.clusterUnavailable || code === apiCodes.notLeader;
    if (isTemporary || !(cause instanceof Error)) throw readFailed(bucket, cause);
    throw misconfigured(`Bucket ${bucket} could not be created`, [`the server says: ${cause.message}`], cause);
  }
}

function misconfigured(what: string, wrong: readonly string[], cause?: unknown): StoreMisconfiguredError {
  return new StoreMisconfiguredError(`${what}: ${wrong.join("; ")}`, wrong, cause === undefined ? {} : { cause });
}
