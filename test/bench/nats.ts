import { type JetStreamClient, jetstream } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import { Deduplicator } from "latchkey";
import { natsStore } from "latchkey/nats";
import { startCluster, startNats } from "../support/nats-server.ts";
import { latencies, median, perSecond, quantile, type Row, rowOf, takeTurns } from "./measure.ts";

const ROUNDS = 5;
const ALONE = 2_000;
const TOGETHER = 10_000;
const CONCURRENCY = 256;

/** Guards on a real bucket beside the bare client, which does the two compare-and-sets of a guard and nothing else. */
export async function benchNats(): Promise<readonly Row[]> {
  await using server = await startNats();
  const one = await benchBucket("one file-backed replica", server.url, 1);
  await using cluster = await startCluster({ size: 3 });
  const three = await benchBucket("three file-backed replicas", cluster.urls.join(","), 3);
  return [...one, ...three];
}

async function benchBucket(title: string, urls: string, replicas: number): Promise<readonly Row[]> {
  const connection = await connect({ servers: urls.split(",") });
  try {
    const store = await natsStore(connection, { bucket: "bench", replicas });
    const dedup = new Deduplicator({ store });
    const js = jetstream(connection);
    const guard = (id: string) => dedup.guard({ subscriptionId: "bench", eventId: id }, () => undefined);
    const pair = (id: string) => barePair(js, `$KV.bench.bare.bare.${id}`);
    await perSecond(1_000, 16, (index) => guard(`warm-${index}`));
    await perSecond(1_000, 16, (index) => pair(`warm-${index}`));

    const alone = await takeTurns(
      {
        guard: async (round) => quantile(await latencies(ALONE, (index) => guard(`one-${round}-${index}`)), 0.5),
        pair: async (round) => quantile(await latencies(ALONE, (index) => pair(`one-${round}-${index}`)), 0.5),
      },
      ROUNDS,
    );
    const together = await takeTurns(
      {
        guard: (round) => perSecond(TOGETHER, CONCURRENCY, (index) => guard(`many-${round}-${index}`)),
        pair: (round) => perSecond(TOGETHER, CONCURRENCY, (index) => pair(`many-${round}-${index}`)),
      },
      ROUNDS,
    );
    await dedup.close();
    const figures = (of: ReadonlyMap<"guard" | "pair", readonly number[]>, name: "guard" | "pair") =>
      of.get(name) ?? [];
    const ratioAlone = median(figures(alone, "guard")) / median(figures(alone, "pair"));
    const ratioTogether = median(figures(together, "guard")) / median(figures(together, "pair"));
    return [
      rowOf(`${title}: bare client, two compare-and-sets, p50`, "µs", figures(alone, "pair")),
      rowOf(`${title}: guard, p50`, "µs", figures(alone, "guard"), {
        of: "the bare client's",
        is: ratioAlone,
        goal: "at most 1.3",
      }),
      rowOf(`${title}: bare client, pairs at concurrency ${CONCURRENCY}`, "1/s", figures(together, "pair")),
      rowOf(`${title}: guards at concurrency ${CONCURRENCY}`, "1/s", figures(together, "guard"), {
        of: "the bare client's",
        is: ratioTogether,
        goal: "at least 0.55",
      }),
    ];
  } finally {
    await connection.close();
  }
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

async function barePair(js: JetStreamClient, subject: string): Promise<void> {
  const expect = { streamName: "KV_bench", lastSubjectSequence: 0 };
  const { seq } = await js.publish(subject, payload, { ttl: "32s", expect });
  await js.publish(subject, payload, { ttl: "86400s", expect: { ...expect, lastSubjectSequence: seq } });
}
