import { type JetStreamManager, jetstreamManager, type StreamInfo } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/nats-core";
import { setting } from "../../env.ts";
import type { Clock } from "../../internal/clock.ts";
import { isLatchkeyBucket } from "../../nats/kv/bucket-settings.ts";
import { revisionOffset } from "../../nats/kv/revision-offset.ts";
import { shardNames, shardsOf, unshardedName } from "../../nats/kv/sharded-store.ts";
import type { BucketAddress } from "../../nats/wire/bucket-address.ts";
import { apiCodeOf, apiCodes, readFailed } from "../../nats/wire/error-codes.ts";
import { type ClockDifference, withClockDifference } from "../../nats/wire/server-clock.ts";
import { bucketOf, bucketStream } from "../../nats/wire/subject.ts";
import { CommandError } from "../terminal/command-error.ts";
import type { CliIo } from "../terminal/io.ts";
import { printable } from "../terminal/printable.ts";
import { openNats } from "./nats.ts";
import { type NatsFlags, natsAddress } from "./nats-address.ts";

/** Selects a bucket and its server. */
export interface BucketFlags extends NatsFlags {
  readonly bucket?: string;
  /** Number of buckets that share the keys. Detected if missing. */
  readonly shards?: number;
}

const TIMEOUT_MS = 5_000;

/** A connection to the server of a bucket and of its shards. */
export interface BucketServer extends AsyncDisposable {
  readonly connection: NatsConnection;
  readonly jsm: JetStreamManager;
  readonly apiPrefix: string;
  /** Bucket name from the command line. */
  readonly name: string;
  /** Names of the buckets that share the keys, in order. They need not exist. */
  readonly bucketNames: readonly string[];
}

/** An existing bucket as an operator sees it. Opening neither creates nor validates it. */
export interface OpenBucket {
  readonly connection: NatsConnection;
  readonly jsm: JetStreamManager;
  readonly name: string;
  readonly read: BucketAddress;
  readonly info: StreamInfo;
  /** Undefined if the server does not report its time. */
  readonly difference: ClockDifference | undefined;
  /** Returns the time of the server that leads the bucket. Falls back to the local clock. */
  readonly serverMs: () => number;
}

/** All buckets that share the keys, with the clock that their timestamps follow. */
export interface OpenBuckets extends BucketServer, Pick<OpenBucket, "serverMs" | "difference"> {
  readonly buckets: readonly OpenBucket[];
}

/**
 * Opens the buckets that the flags select.
 * @throws {CommandError} if no bucket is named or none exists; the message lists the existing ones.
 * @throws {StoreUnavailableError} if a bucket cannot be read.
 */
export async function openBuckets(flags: BucketFlags, io: Pick<CliIo, "env" | "clock">): Promise<OpenBuckets> {
  const server = await reachBuckets(flags, io);
  try {
    const [first, ...others] = server.bucketNames;
    const leading = await reachBucket(server, first ?? server.name, io.clock);
    const buckets = [leading, ...(await Promise.all(others.map((name) => reachBucket(server, name, io.clock))))];
    return { ...server, buckets, serverMs: leading.serverMs, difference: leading.difference };
  } catch (error) {
    await server[Symbol.asyncDispose]();
    if (!(error instanceof CommandError)) throw error;
    throw new CommandError(
      `${error.message}. Correct --bucket, --shards or --domain, or start a replica, which creates it`,
    );
  }
}

/** @throws {CommandError} if the server is unreachable or no bucket is named; the message lists the existing ones. */
export async function reachBuckets(flags: BucketFlags, io: Pick<CliIo, "env">): Promise<BucketServer> {
  const nats = await openNats(natsAddress(flags, io.env), "latchkey");
  try {
    const { connection, apiPrefix } = nats;
    const jsm = await jetstreamManager(connection, { checkAPI: false, timeout: TIMEOUT_MS, apiPrefix });
    const name = await nameOf(flags.bucket ?? setting(io.env, "LATCHKEY_BUCKET"), jsm);
    const bucketNames = flags.shards === undefined ? await existingShards(name, jsm) : shardNames(name, flags.shards);
    return { connection, jsm, apiPrefix, name, bucketNames, [Symbol.asyncDispose]: () => nats[Symbol.asyncDispose]() };
  } catch (error) {
    await nats[Symbol.asyncDispose]();
    throw error;
  }
}

/** @throws {CommandError} if the bucket does not exist. @throws {StoreUnavailableError} if it cannot be read. */
export async function reachBucket(
  { connection, jsm, apiPrefix }: BucketServer,
  name: string,
  clock: Clock,
): Promise<OpenBucket> {
  try {
    const { info, difference } = await withClockDifference(clock, () => jsm.streams.info(bucketStream(name)));
    const serverMs = (): number => clock.wallMs() + (difference?.offsetMs ?? 0);
    const read = { bucket: name, timeoutMs: TIMEOUT_MS, apiPrefix, revisionOffset: revisionOffset(info) };
    return { connection, jsm, name, read, info, difference, serverMs };
  } catch (cause) {
    if (apiCodeOf(cause) !== apiCodes.noStream) throw readFailed(name, cause);
    throw new CommandError(`There is no bucket \`${name}\`${await existingBuckets(jsm)}`, { cause });
  }
}

/** Returns the named bucket, or the server's only bucket of Latchkey. */
async function nameOf(named: string | undefined, jsm: JetStreamManager): Promise<string> {
  if (named === undefined) {
    const [only, ...others] = await latchkeyBuckets(jsm);
    if (only !== undefined && others.length === 0) return only;
    throw new CommandError(`Name a bucket: --bucket <name>, or LATCHKEY_BUCKET${await existingBuckets(jsm)}`);
  }
  if (!/^[\w-]+$/.test(named))
    throw new CommandError(`A bucket needs a name of letters, digits, \`-\` and \`_\`, got \`${printable(named)}\``);
  return named;
}

/** Returns the server's buckets whose settings are Latchkey's, by the name that their shards share. */
async function latchkeyBuckets(jsm: JetStreamManager): Promise<readonly string[]> {
  const names = new Set<string>();
  try {
    for await (const { config } of jsm.streams.list("$KV.*.>")) {
      const bucket = bucketOf(config.name);
      if (bucket !== undefined && isLatchkeyBucket(config)) names.add(unshardedName(bucket));
    }
  } catch {
    // Without the permission, the bucket must be named.
  }
  return [...names];
}

/** Returns the bucket and its shards. A resharded bucket can have shards of several counts. */
async function existingShards(name: string, jsm: JetStreamManager): Promise<readonly string[]> {
  const found = (await allBuckets(jsm)).filter((one) => shardsOf(name, one) !== undefined);
  const inOrder = new Intl.Collator("en", { numeric: true });
  return found.length === 0 ? [name] : found.toSorted((one, other) => inOrder.compare(one, other));
}

const MAX_NAMED = 10;
const PREFIX = bucketStream("");

/** Names the existing buckets, to append to an error message. */
async function existingBuckets(jsm: JetStreamManager): Promise<string> {
  const names = (await allBuckets(jsm)).slice(0, MAX_NAMED);
  return names.length === 0 ? "" : `; this server has ${names.join(", ")}`;
}

/** Lists the server's buckets, or none if the user lacks the permission. */
async function allBuckets(jsm: JetStreamManager): Promise<readonly string[]> {
  const names: string[] = [];
  try {
    for await (const stream of jsm.streams.names("$KV.*.>")) {
      if (stream.startsWith(PREFIX)) names.push(stream.slice(PREFIX.length));
    }
  } catch {
    // Without the permission, the error message lists no buckets.
  }
  return names;
}
