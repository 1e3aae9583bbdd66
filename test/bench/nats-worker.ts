import { connect } from "@nats-io/transport-node";
import { Deduplicator, type DeduplicatorOptions } from "latchkey";
import { serveInspector } from "latchkey/inspect";
import { natsStore } from "latchkey/nats";
import { makeBucket } from "../support/nats-bucket.ts";
import { BareClient, WINDOW_S } from "./bare-client.ts";
import { CONCURRENCY, type Contestant, guards, oneByOne } from "./contestant.ts";
import { serveContestant } from "./contestant-process.ts";
import { throughput } from "./measure.ts";
import { BARE_BATCH, type NatsSetup } from "./nats.ts";
import { prepared } from "./prepared-socket.ts";

// The process of one contestant on a server or cluster.

/** Number of known events that are repeated: more than are in flight, because concurrent guards of one event ask the store once. */
const KNOWN = 10 * CONCURRENCY;

const { runs, urls, replicas, fastest, ...described }: NatsSetup = JSON.parse(process.argv[2] ?? "");
const connection = await connect({ servers: [...urls] });
serveContestant(await contestant());

async function contestant(): Promise<Contestant> {
  switch (runs) {
    case "bare": {
      const bare = await bareClient();
      return oneByOne({ ...described, once: (id) => bare.pair(id) });
    }
    case "batches": {
      const bare = await bareClient();
      return { ...described, rate: (round) => rateOfBatches(bare, round) };
    }
    case "prepared":
      await makeBucket(connection, runs, { num_replicas: replicas, max_age: 7 * WINDOW_S * 1e9, allow_atomic: true });
      return prepared(connection, runs, {
        ...described,
        together: fastest === "singly" ? CONCURRENCY / 4 : BARE_BATCH,
        inFlight: fastest === "singly" ? 4 : CONCURRENCY / BARE_BATCH,
        asBatches: fastest === "in batches",
      });
    case "guards":
      return oneByOne({ ...described, once: guards(await open("batching")) });
    case "single":
      await makeBucket(connection, runs, { num_replicas: replicas, max_age: 7 * WINDOW_S * 1e9 });
      return oneByOne({ ...described, once: guards(await open(runs)) });
    case "inspected": {
      const dedup = await open("batching");
      await serveInspector({ dedup });
      const once = guards(dedup);
      return oneByOne({ ...described, once: (id) => once(`inspected-${id}`) });
    }
    case "duplicates": {
      const once = guards(await open("batching", { cacheSize: 0 }));
      await throughput(KNOWN, CONCURRENCY, (index) => once(`known-${index}`));
      return oneByOne({ ...described, once: (_, index) => once(`known-${index % KNOWN}`) });
    }
  }
}

async function bareClient(): Promise<BareClient> {
  await natsStore(connection, { bucket: "batching", replicas });
  return new BareClient(connection, "batching");
}

async function rateOfBatches(bare: BareClient, round: string) {
  const batches = Math.ceil(described.events / BARE_BATCH);
  const { perSecond, cpuUs } = await throughput(batches, CONCURRENCY / BARE_BATCH, (index) =>
    bare.pairs(`${round}-${index}`, BARE_BATCH),
  );
  return { perSecond: BARE_BATCH * perSecond, cpuUs: cpuUs / BARE_BATCH };
}

async function open(bucket: string, options: Omit<DeduplicatorOptions, "store"> = {}): Promise<Deduplicator> {
  return new Deduplicator({ ...options, store: await natsStore(connection, { bucket, replicas }) });
}
