import { type JetStreamManager, jetstreamManager, type StreamInfo } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/nats-core";
import type { Clock } from "../../clock.ts";
import { apiCodeOf, apiCodes, readFailed } from "../../nats/answers.ts";
import type { ReadOptions } from "../../nats/bucket-list.ts";
import { type ClockDifference, withClockDifference } from "../../nats/server-clock.ts";
import { streamOf } from "../../nats/subject.ts";
import { UnusableError } from "../errors.ts";
import type { CliIo } from "../io.ts";
import { openNats } from "../nats.ts";
import { natsAddress } from "../nats-address.ts";
import { sentences } from "../sentences.ts";

/** Which bucket a command is about, and how to reach it. */
export interface BucketFlags {
  readonly bucket?: string;
  readonly nats?: string;
  readonly creds?: string;
  readonly inboxPrefix?: string;
}

const TIMEOUT_MS = 5_000;

/** A bucket that exists, seen by an operator: nothing is created, and nothing has to be as it should be. */
export interface OpenBucket extends AsyncDisposable {
  readonly connection: NatsConnection;
  readonly jsm: JetStreamManager;
  readonly name: string;
  readonly read: ReadOptions;
  readonly info: StreamInfo;
  /** Undefined when the server does not tell its time. */
  readonly difference: ClockDifference | undefined;
  /** The wall clock of the server that leads the bucket, as far as it is known; ours where it is not. */
  serverMs(): number;
}

/**
 * @throws {UnusableError} when no bucket is named, or there is none of that name; says which there are.
 * @throws {StoreUnavailableError} when the bucket cannot be looked at.
 */
export async function openBucket(flags: BucketFlags, io: Pick<CliIo, "env" | "clock">): Promise<OpenBucket> {
  const { clock } = io;
  const nats = await openNats(natsAddress(flags, io.env), "latchkey");
  try {
    const { connection } = nats;
    const jsm = await jetstreamManager(connection, { checkAPI: false, timeout: TIMEOUT_MS });
    const name = await existingBucket(flags.bucket, jsm);
    const { info, difference } = await lookAt(name, jsm, clock);
    return {
      connection,
      jsm,
      name,
      read: { bucket: name, timeoutMs: TIMEOUT_MS },
      info,
      difference,
      serverMs: () => clock.wallMs() + (difference?.offsetMs ?? 0),
      [Symbol.asyncDispose]: () => nats[Symbol.asyncDispose](),
    };
  } catch (error) {
    await nats[Symbol.asyncDispose]();
    throw error;
  }
}

async function existingBucket(name: string | undefined, jsm: JetStreamManager): Promise<string> {
  if (name === undefined) throw new UnusableError(sentences.needsBucket(await bucketsOf(jsm)));
  if (!/^[\w-]+$/.test(name)) throw new UnusableError(sentences.notABucket(name));
  return name;
}

async function lookAt(
  name: string,
  jsm: JetStreamManager,
  clock: Clock,
): Promise<{ info: StreamInfo; difference: ClockDifference | undefined }> {
  try {
    return await withClockDifference(clock, () => jsm.streams.info(streamOf(name)));
  } catch (cause) {
    if (apiCodeOf(cause) !== apiCodes.noStream) throw readFailed(name, cause);
    throw new UnusableError(sentences.noBucket(name, await bucketsOf(jsm)), { cause });
  }
}

const MOST_NAMES = 10;
const PREFIX = streamOf("");

/** The names of some buckets, where they may be asked for. */
async function bucketsOf(jsm: JetStreamManager): Promise<readonly string[]> {
  const names: string[] = [];
  try {
    for await (const stream of jsm.streams.names("$KV.*.>")) {
      if (stream.startsWith(PREFIX)) names.push(stream.slice(PREFIX.length));
      if (names.length === MOST_NAMES) break;
    }
  } catch {
    // Not allowed: then none can be named.
  }
  return names;
}
