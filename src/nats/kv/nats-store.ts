import { type JetStreamManager, jetstreamManager } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/nats-core";
import { systemClock } from "../../internal/clock.ts";
import { isForbidden } from "../wire/error-codes.ts";
import { type BucketToOpen, misconfigured, openBucket } from "./bucket.ts";
import { bucketStore, type NatsStore, type Sending, sendingAsItPays } from "./bucket-store.ts";
import { movingStore } from "./moving-store.ts";
import { shardedStore, shardNames } from "./sharded-store.ts";
import { type NatsStoreOptions, type ResolvedNatsStoreOptions, resolveNatsStoreOptions } from "./store-options.ts";

/**
 * A {@link Store} in a key-value bucket of NATS JetStream, or in several. Creates what buckets there are not, if the connection may
 * do so; in any case it makes sure that the server and the buckets keep the guarantees.
 * @throws {TypeError | RangeError} that names the argument that is wrong.
 * @throws {StoreMisconfiguredError} for a server that is too old, and for a bucket that is configured in another way.
 * @throws {StoreUnavailableError} when the server is out of reach.
 */
export function natsStore(connection: NatsConnection, options: NatsStoreOptions): Promise<NatsStore> {
  return openNatsStore(connection, options, sendingAsItPays);
}

/** As {@link natsStore}, with a way of sending that the caller chooses. */
export async function openNatsStore(
  connection: NatsConnection,
  options: NatsStoreOptions,
  sending: Sending,
): Promise<NatsStore> {
  const resolved = resolveNatsStoreOptions(connection, options);
  const jsm = await jetstreamManager(connection, { checkAPI: false, timeout: resolved.timeoutMs });
  const open = (place: Place): Promise<Opened> => openPlace(connection, jsm, resolved, sending, place);
  const { shards, formerShards } = resolved;
  if (formerShards === undefined) return (await open({ shards, isFormer: false })).store;
  const from = await open({ shards: formerShards, isFormer: true });
  const to = await open({ shards, isFormer: false });
  if (to.leastRevision < from.greatestRevision) {
    throw misconfigured(`The keys of bucket ${resolved.bucket} cannot move from ${formerShards} to ${shards} shards`, [
      `the buckets for ${shards} were made before those for ${formerShards}, so that fences would fall: delete them first`,
    ]);
  }
  return movingStore(from.store, to.store);
}

/** Where keys are, or were. */
interface Place {
  readonly shards: number;
  readonly isFormer: boolean;
}

interface Opened {
  readonly store: NatsStore;
  readonly leastRevision: number;
  readonly greatestRevision: number;
}

async function openPlace(
  connection: NatsConnection,
  jsm: JetStreamManager,
  options: ResolvedNatsStoreOptions,
  sending: Sending,
  { shards, isFormer }: Place,
): Promise<Opened> {
  const beforeCreation = (): Promise<void> => (isFormer ? refuse(options) : refuseOtherShards(jsm, options));
  const opened = await Promise.all(
    shardNames(options.bucket, shards).map(async (bucket) => {
      const toOpen: BucketToOpen = { ...options, bucket, beforeCreation, firstRevision: firstRevision() };
      const { config, state } = await openBucket(connection, jsm, toOpen);
      return { revision: state.last_seq, store: bucketStore(connection, jsm, toOpen, config, sending) };
    }),
  );
  const revisions = opened.map(({ revision }) => revision);
  return {
    store: shardedStore(opened.map(({ store }) => store)),
    leastRevision: Math.min(...revisions),
    greatestRevision: Math.max(...revisions),
  };
}

async function refuse({ bucket, formerShards }: ResolvedNatsStoreOptions): Promise<void> {
  throw misconfigured(`The keys of bucket ${bucket} cannot move`, [
    `there are not ${formerShards} of it, as \`formerShards\` says`,
  ]);
}

/** Who changes the number of shards and says nothing of the former would dispatch again what those have seen. */
async function refuseOtherShards(jsm: JetStreamManager, options: ResolvedNatsStoreOptions): Promise<void> {
  const { bucket, shards, formerShards } = options;
  if (formerShards !== undefined) return;
  for (const name of await streamNames(jsm)) {
    const [, base, others] = /^KV_(.+?)(?:-1-of-(\d+))?$/.exec(name) ?? [];
    if (base !== bucket || Number(others ?? 1) === shards) continue;
    throw misconfigured(`There are not ${shards} of bucket ${bucket}`, [
      `there are ${others ?? 1} of it: set \`formerShards\`, or delete them`,
    ]);
  }
}

/** None when the connection may not list them: then nobody warns. */
async function streamNames(jsm: JetStreamManager): Promise<readonly string[]> {
  const names: string[] = [];
  try {
    for await (const name of jsm.streams.names()) names.push(name);
  } catch (error) {
    if (!isForbidden(error)) throw error;
  }
  return names;
}

/**
 * Fences only rise, also when keys move to other buckets, or theirs is deleted and made anew. So buckets begin with the
 * microseconds since 1970: no bucket counts as fast as the time does.
 */
function firstRevision(): number {
  return systemClock.wallMs() * 1_000;
}
