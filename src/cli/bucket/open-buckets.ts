import { type JetStreamManager, jetstreamManager, type StreamInfo } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/nats-core";
import type { Clock } from "../../internal/clock.ts";
import type { ReadOptions } from "../../nats/kv/bucket-list.ts";
import { shardNames, shardsOf } from "../../nats/kv/sharded-store.ts";
import { apiCodeOf, apiCodes, readFailed } from "../../nats/wire/error-codes.ts";
import { type ClockDifference, withClockDifference } from "../../nats/wire/server-clock.ts";
import { bucketStream } from "../../nats/wire/subject.ts";
import { openNats } from "../connection/nats.ts";
import { natsAddress } from "../connection/nats-address.ts";
import { UnusableError } from "../terminal/errors.ts";
import type { CliIo } from "../terminal/io.ts";
import { sentences } from "../terminal/sentences.ts";

/** Which bucket a command is about, and how to reach it. */
export interface BucketFlags {
  readonly bucket?: string;
  /** How many buckets share its keys; as many as there are without it. */
  readonly shards?: number;
  readonly nats?: string;
  readonly creds?: string;
  readonly inboxPrefix?: string;
}

const TIMEOUT_MS = 5_000;

/** The server of a bucket, or of the several that share its keys. */
export interface BucketServer extends AsyncDisposable {
  readonly connection: NatsConnection;
  readonly jsm: JetStreamManager;
  /** As it was asked for. */
  readonly name: string;
  /** The buckets that there should be, or are; in their order. */
  readonly bucketNames: readonly string[];
}

/** A bucket that exists, seen by an operator: nothing is created, and nothing has to be as it should be. */
export interface OpenBucket {
  readonly connection: NatsConnection;
  readonly jsm: JetStreamManager;
  readonly name: string;
  readonly read: ReadOptions;
  readonly info: StreamInfo;
  /** Undefined when the server does not tell its time. */
  readonly difference: ClockDifference | undefined;
  /** The wall clock of the server that leads the bucket, as far as it is known; ours where it is not. */
  readonly serverMs: () => number;
}

/** All buckets of a name, and the clock by which their times are told. */
export interface OpenBuckets extends BucketServer, Pick<OpenBucket, "serverMs" | "difference"> {
  readonly buckets: readonly OpenBucket[];
}

/**
 * @throws {UnusableError} when no bucket is named, or there is none of that name; says which there are.
 * @throws {StoreUnavailableError} when one cannot be looked at.
 */
export async function openBuckets(flags: BucketFlags, io: Pick<CliIo, "env" | "clock">): Promise<OpenBuckets> {
  const server = await reachBuckets(flags, io);
  try {
    const [first, ...others] = server.bucketNames;
    const leading = await lookAt(server, first ?? server.name, io.clock);
    const buckets = [leading, ...(await Promise.all(others.map((name) => lookAt(server, name, io.clock))))];
    return { ...server, buckets, serverMs: leading.serverMs, difference: leading.difference };
  } catch (error) {
    await server[Symbol.asyncDispose]();
    throw error;
  }
}

/** @throws {UnusableError} when the server is out of reach, or no bucket is named; says which there are. */
export async function reachBuckets(flags: BucketFlags, io: Pick<CliIo, "env">): Promise<BucketServer> {
  const nats = await openNats(natsAddress(flags, io.env), "latchkey");
  try {
    const { connection } = nats;
    const jsm = await jetstreamManager(connection, { checkAPI: false, timeout: TIMEOUT_MS });
    const name = await nameOf(flags.bucket, jsm);
    const bucketNames = flags.shards === undefined ? await existingShards(name, jsm) : shardNames(name, flags.shards);
    return { connection, jsm, name, bucketNames, [Symbol.asyncDispose]: () => nats[Symbol.asyncDispose]() };
  } catch (error) {
    await nats[Symbol.asyncDispose]();
    throw error;
  }
}

/** @throws {UnusableError} when there is no such bucket. @throws {StoreUnavailableError} when it cannot be looked at. */
export async function lookAt({ connection, jsm }: BucketServer, name: string, clock: Clock): Promise<OpenBucket> {
  try {
    const { info, difference } = await withClockDifference(clock, () => jsm.streams.info(bucketStream(name)));
    const serverMs = (): number => clock.wallMs() + (difference?.offsetMs ?? 0);
    return { connection, jsm, name, read: { bucket: name, timeoutMs: TIMEOUT_MS }, info, difference, serverMs };
  } catch (cause) {
    if (apiCodeOf(cause) !== apiCodes.noStream) throw readFailed(name, cause);
    throw new UnusableError(sentences.noBucket(name, (await allBuckets(jsm)).slice(0, MOST_NAMED)), { cause });
  }
}

async function nameOf(flag: string | undefined, jsm: JetStreamManager): Promise<string> {
  if (flag === undefined) throw new UnusableError(sentences.needsBucket((await allBuckets(jsm)).slice(0, MOST_NAMED)));
  if (!/^[\w-]+$/.test(flag)) throw new UnusableError(sentences.notABucket(flag));
  return flag;
}

/** The bucket of this name, and those that share its keys; more than one kind of them while their number is being changed. */
async function existingShards(name: string, jsm: JetStreamManager): Promise<readonly string[]> {
  const found = (await allBuckets(jsm)).filter((one) => shardsOf(name, one) !== undefined);
  const inOrder = new Intl.Collator("en", { numeric: true });
  return found.length === 0 ? [name] : found.toSorted((one, other) => inOrder.compare(one, other));
}

const MOST_NAMED = 10;
const PREFIX = bucketStream("");

/** The names of the server's buckets, where they may be asked for. */
async function allBuckets(jsm: JetStreamManager): Promise<readonly string[]> {
  const names: string[] = [];
  try {
    for await (const stream of jsm.streams.names("$KV.*.>")) {
      if (stream.startsWith(PREFIX)) names.push(stream.slice(PREFIX.length));
    }
  } catch {
    // Not allowed: then none can be named.
  }
  return names;
}
