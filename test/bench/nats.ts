import type { NatsConnection } from "@nats-io/nats-core";
import { connect } from "@nats-io/transport-node";
import { Deduplicator, type DeduplicatorOptions } from "latchkey";
import { serveInspector } from "latchkey/inspect";
import { natsStore } from "latchkey/nats";
import { makeBucket } from "../support/nats-bucket.ts";
import { BareClient, WINDOW_S } from "./bare-client.ts";
import { CONCURRENCY, type Contestant, type Guarantees, guards, oneByOne } from "./contestant.ts";
import { throughput } from "./measure.ts";
import { prepared } from "./prepared-socket.ts";

const BARE_BATCH = 256;
/** Number of known events that are repeated: more than are in flight, because concurrent guards of one event ask the store once. */
const KNOWN = 10 * CONCURRENCY;

export interface Setup {
  readonly name: string;
  readonly storage: string;
  readonly urls: readonly string[];
  readonly replicas: number;
  /** Number of events in a round. */
  readonly events: number;
  /** The faster way to send prepared bytes. */
  readonly fastest: "singly" | "in batches";
}

/** Everything that is measured on one server or cluster. */
export interface NatsContestants extends AsyncDisposable {
  readonly bare: Contestant;
  readonly batches: Contestant;
  readonly prepared: Contestant;
  readonly guards: Contestant;
  readonly single: Contestant;
  readonly inspected: Contestant;
  readonly duplicates: Contestant;
}

/** The bare client and guards share a bucket. Guards without batches use one that does not allow batches. */
export async function natsContestants(setup: Setup): Promise<NatsContestants> {
  const { name, storage, urls, replicas, events, fastest } = setup;
  const connection = await connect({ servers: [...urls] });
  const batching = await open(connection, "batching", replicas);
  const uncached = await open(connection, "batching", replicas, { cacheSize: 0 });
  const inspected = await open(connection, "batching", replicas);
  const inspector = await serveInspector({ dedup: inspected });
  await makeBucket(connection, "single", { num_replicas: replicas, max_age: 7 * WINDOW_S * 1e9 });
  const single = await open(connection, "single", replicas);
  await makeBucket(connection, "prepared", { num_replicas: replicas, max_age: 7 * WINDOW_S * 1e9, allow_atomic: true });
  const bare = new BareClient(connection, "batching");
  const bareGuarantees: Guarantees = { storage, fence: "no", lease: "fixed" };
  const latchkeyGuarantees: Guarantees = { storage, fence: "yes", lease: "renewed, with a signal" };
  await throughput(KNOWN, CONCURRENCY, (index) => guards(uncached)(`known-${index}`));
  return {
    bare: oneByOne({ name: `bare client, ${name}`, guarantees: bareGuarantees, events, once: (id) => bare.pair(id) }),
    batches: {
      name: `bare client in batches of ${BARE_BATCH}, ${name}`,
      guarantees: bareGuarantees,
      async rate(round) {
        const batch = (index: number) => bare.pairs(`${round}-${index}`, BARE_BATCH);
        const batches = Math.ceil(events / BARE_BATCH);
        const { perSecond, cpuUs } = await throughput(batches, CONCURRENCY / BARE_BATCH, batch);
        return { perSecond: BARE_BATCH * perSecond, cpuUs: cpuUs / BARE_BATCH };
      },
    },
    prepared: prepared(connection, "prepared", {
      name: `prepared bytes, ${fastest}, ${name}`,
      guarantees: bareGuarantees,
      events,
      together: fastest === "singly" ? CONCURRENCY / 4 : BARE_BATCH,
      inFlight: fastest === "singly" ? 4 : CONCURRENCY / BARE_BATCH,
      asBatches: fastest === "in batches",
    }),
    guards: oneByOne({ name: `Latchkey, ${name}`, guarantees: latchkeyGuarantees, events, once: guards(batching) }),
    single: oneByOne({
      name: `Latchkey without batches, ${name}`,
      guarantees: latchkeyGuarantees,
      events,
      once: guards(single),
    }),
    inspected: oneByOne({
      name: `Latchkey inspected, ${name}`,
      guarantees: latchkeyGuarantees,
      events,
      once: (id) => guards(inspected)(`inspected-${id}`),
    }),
    duplicates: oneByOne({
      name: `Latchkey, duplicates from the store, ${name}`,
      guarantees: latchkeyGuarantees,
      events,
      once: (_, index) => guards(uncached)(`known-${index % KNOWN}`),
    }),
    async [Symbol.asyncDispose]() {
      await inspector.close();
      await Promise.all([batching, uncached, inspected, single].map((dedup) => dedup.close()));
      await connection.close();
    },
  };
}

async function open(
  connection: NatsConnection,
  bucket: string,
  replicas: number,
  options: Omit<DeduplicatorOptions, "store"> = {},
): Promise<Deduplicator> {
  return new Deduplicator({ ...options, store: await natsStore(connection, { bucket, replicas }) });
}
