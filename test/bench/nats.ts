import { type JetStreamClient, jetstream } from "@nats-io/jetstream";
import { headers, type NatsConnection } from "@nats-io/nats-core";
import { connect } from "@nats-io/transport-node";
import { Deduplicator } from "latchkey";
import { natsStore } from "latchkey/nats";
import { makeBucket } from "../support/nats-bucket.ts";
import { startCluster, startNats } from "../support/nats-server.ts";
import { latencies, median, perSecond, quantile, type Row, rowOf, takeTurns } from "./measure.ts";

const ROUNDS = 5;
const ALONE = 1_000;
const CONCURRENCY = 512;
const BARE_BATCH = 256;

interface Setup {
  readonly title: string;
  readonly urls: readonly string[];
  readonly replicas: number;
  /** How many guards a round has. */
  readonly together: number;
  /** What guards in a second should be of the bare client's pairs, and how long one may take of a pair's time. */
  readonly goals?: { readonly together: string; readonly alone: string };
}

/** Guards on a real bucket beside the bare client, which does the two compare-and-sets of a guard and nothing else. */
export async function benchNats(): Promise<readonly Row[]> {
  await using server = await startNats();
  await using cluster = await startCluster({ size: 3 });
  await using synced = await startNats({ jetstreamConfig: "sync_interval: always" });
  const alone = "at most 1.15";
  return [
    ...(await benchBucket({
      title: "one file-backed replica",
      urls: [server.url],
      replicas: 1,
      together: 10_000,
      goals: { together: "at least 1.5", alone },
    })),
    ...(await benchBucket({
      title: "three file-backed replicas",
      urls: cluster.urls,
      replicas: 3,
      together: 10_000,
      goals: { together: "at least 2", alone },
    })),
    ...(await benchBucket({ title: "one replica, sync always", urls: [synced.url], replicas: 1, together: 1_000 })),
  ];
}

async function benchBucket({ title, urls, replicas, together, goals }: Setup): Promise<readonly Row[]> {
  const connection = await connect({ servers: [...urls] });
  try {
    const batching = await dedupOn(connection, "batching", replicas);
    await makeBucket(connection, "single", { num_replicas: replicas, max_age: 7 * 86_400_000_000_000 });
    const single = await dedupOn(connection, "single", replicas);
    const js = jetstream(connection);
    const pair = (id: string) => barePair(js, id);
    const contestants = {
      guard: (id: string) => batching.guard({ subscriptionId: "bench", eventId: id }, () => undefined),
      single: (id: string) => single.guard({ subscriptionId: "bench", eventId: id }, () => undefined),
      pair,
    };
    for (const task of Object.values(contestants))
      await perSecond(together / 5, CONCURRENCY, (at) => task(`warm-${at}`));

    const times = async (task: (id: string) => Promise<unknown>, name: string) =>
      quantile(await latencies(Math.min(ALONE, together), (index) => task(`${name}-${index}`)), 0.5);
    const alone = await takeTurns(
      {
        guard: (round) => times(contestants.guard, `one-${round}`),
        pair: (round) => times(pair, `one-${round}`),
      },
      ROUNDS,
    );
    const rate = (task: (id: string) => Promise<unknown>, round: number) =>
      perSecond(together, CONCURRENCY, (index) => task(`many-${round}-${index}`));
    const rates = await takeTurns(
      {
        guard: (round) => rate(contestants.guard, round),
        single: (round) => rate(contestants.single, round),
        pair: (round) => rate(pair, round),
        batches: async (round) => {
          const count = Math.ceil(together / BARE_BATCH);
          const batch = (index: number) => barePairs(js, `batch-${round}-${index}`, BARE_BATCH);
          return BARE_BATCH * (await perSecond(count, CONCURRENCY / BARE_BATCH, batch));
        },
      },
      ROUNDS,
    );
    await Promise.all([batching.close(), single.close()]);

    const bare = median(rates.get("pair") ?? []);
    const ratio = (figures: readonly number[], goal = "none") => ({
      of: "the bare client's",
      is: median(figures) / bare,
      goal,
    });
    const row = (name: "guard" | "single" | "pair" | "batches", what: string, goal?: string): Row => {
      const figures = rates.get(name) ?? [];
      return rowOf(`${title}: ${what}`, "1/s", figures, name === "pair" ? undefined : ratio(figures, goal));
    };
    const bareAlone = alone.get("pair") ?? [];
    const guardAlone = alone.get("guard") ?? [];
    return [
      rowOf(`${title}: bare client, two compare-and-sets, p50`, "µs", bareAlone),
      rowOf(`${title}: guard, p50`, "µs", guardAlone, {
        of: "the bare client's",
        is: median(guardAlone) / median(bareAlone),
        goal: goals?.alone ?? "none",
      }),
      row("pair", `bare client, pairs one by one, ${CONCURRENCY} at a time`),
      row("batches", `bare client, pairs in batches of ${BARE_BATCH}, two at a time`),
      row("single", `guards without batches, ${CONCURRENCY} at a time`),
      row("guard", `guards, ${CONCURRENCY} at a time`, goals?.together),
    ];
  } finally {
    await connection.close();
  }
}

async function dedupOn(connection: NatsConnection, bucket: string, replicas: number): Promise<Deduplicator> {
  return new Deduplicator({ store: await natsStore(connection, { bucket, replicas }) });
}

/** What stands in a record, so that the bare client moves as many bytes. */
const payload = JSON.stringify({
  v: 1,
  workspaceId: "default",
  subscriptionId: "bench",
  eventId: "many-0-00000",
  owner: "bench/0/00000000",
  token: "00000000-0000-0000-0000-000000000000",
  attempt: 1,
  fence: 0,
  leaseMs: 30_000,
  atMs: 1_700_000_000_000,
  state: "reserved",
});

const subjectOf = (id: string): string => `$KV.batching.bare.bare.${id}`;

async function barePair(js: JetStreamClient, id: string): Promise<void> {
  const expect = { streamName: "KV_batching", lastSubjectSequence: 0 };
  const { seq } = await js.publish(subjectOf(id), payload, { ttl: "32s", expect });
  await js.publish(subjectOf(id), payload, { ttl: "86400s", expect: { ...expect, lastSubjectSequence: seq } });
}

/** `count` pairs as two batches: all the reservations, then all the commits. The client takes their headers only ready-made. */
async function barePairs(js: JetStreamClient, name: string, count: number): Promise<void> {
  let sequences = new Array<number>(count).fill(0);
  for (const ttl of ["32s", "86400s"]) {
    const how = (index: number) => {
      const fields = headers();
      fields.append("Nats-Expected-Stream", "KV_batching");
      fields.append("Nats-Expected-Last-Subject-Sequence", String(sequences[index]));
      fields.append("Nats-TTL", ttl);
      return { headers: fields, timeout: 10_000 };
    };
    const batch = await js.startBatch(subjectOf(`${name}-0`), payload, how(0));
    for (let index = 1; index < count - 1; index += 1) batch.add(subjectOf(`${name}-${index}`), payload, how(index));
    const { seq } = await batch.commit(subjectOf(`${name}-${count - 1}`), payload, how(count - 1));
    sequences = sequences.map((_, index) => seq - count + index + 1);
  }
}
