import type { NatsConnection } from "@nats-io/nats-core";
import { connect } from "@nats-io/transport-node";
import { Command } from "commander";
import { Deduplicator } from "latchkey";
import { natsStore } from "latchkey/nats";
import { resolveIdentity } from "../../src/model/identity.ts";
import { eventually } from "../support/eventually.ts";
import { manager } from "../support/nats-bucket.ts";
import { type NatsServer, startNats } from "../support/nats-server.ts";
import { BareClient, WINDOW_S } from "./bare-client.ts";
import { type Contestant, guards, oneByOne } from "./contestant.ts";
import { type Figure, goalTable, shown } from "./figures.ts";
import { median, type Rate, takeTurns, throughput } from "./measure.ts";
import { usageOf } from "./process-usage.ts";
import { scaleProcesses } from "./scale-processes.ts";
import { table } from "./table.ts";

// `npm run bench:scale`: guards in several processes on buckets of several shards. Then guards on buckets with few and with many
// keys, in turns, each bucket on its own server, and the memory of each server after a restart.

const MILLION = 1_000_000;
const { keys: keyCounts, processes: measuresProcesses } = new Command("npm run bench:scale --")
  .option("--keys <counts...>", "number of keys in each bucket", [1_000, 100_000, MILLION, 5_000_000].map(String))
  .option("--no-keys", "leave out the buckets with many keys")
  .option("--no-processes", "leave out the processes and shards")
  .parse()
  .opts<{ keys: readonly string[] | false; processes: boolean }>();
const ROUNDS = 11;
const EVENTS = 10_000;
const FILL_BATCH = 1_000;
const FILLING_AT_ONCE = 4;

/** A bucket with many committed keys, and the server's cost per key. */
interface Bucket extends AsyncDisposable {
  readonly keys: number;
  readonly guards: Contestant;
  readonly memoryPerKey: number;
  /** Memory after the server was restarted, so without what the garbage collector had not returned. */
  readonly restartedMemoryPerKey: number;
  readonly diskPerKey: number;
}

if (measuresProcesses) console.log(`${await scaleProcesses((line) => console.error(line))}\n`);
const buckets: Bucket[] = [];
try {
  for (const count of keyCounts === false ? [] : keyCounts) {
    console.error(`filling a bucket with ${count} keys`);
    buckets.push(await openBucket(Number(count)));
  }
  if (buckets.length > 0) console.log(await compared());
  const million = buckets.filter(({ keys }) => keys === MILLION);
  if (million.length > 0) console.log(`\n${goalTable(million.map(memoryGoal))}`);
} finally {
  for (const bucket of buckets) await bucket[Symbol.asyncDispose]();
}

function memoryGoal({ restartedMemoryPerKey }: Bucket): Figure {
  const what = "server memory per key at a million keys after a restart, bytes";
  return { what, measured: restartedMemoryPerKey, limit: { atMost: 300 } };
}

async function compared(): Promise<string> {
  for (const { guards: contestant } of buckets) await contestant.rate("warm");
  const rates = await takeTurns(buckets, { rounds: ROUNDS }, (bucket, round) => bucket.guards.rate(round));
  const latencies = await takeTurns(buckets, { rounds: ROUNDS }, async (bucket, round) =>
    bucket.guards.latency?.(round),
  );
  const perSecond = (of: readonly Rate[] | undefined) => median((of ?? []).map((rate) => rate.perSecond));
  const smallest = perSecond([...rates.values()][0]);
  const lines = buckets.map((bucket) => {
    const rate = perSecond(rates.get(bucket));
    const times = (latencies.get(bucket) ?? []).filter((latency) => latency !== undefined);
    return [
      shown(bucket.keys),
      shown(rate),
      shown(rate / smallest),
      shown(median(times.map(({ p50Us }) => p50Us))),
      shown(median(times.map(({ p99Us }) => p99Us))),
      shown(bucket.memoryPerKey),
      shown(bucket.restartedMemoryPerKey),
      shown(bucket.diskPerKey),
    ];
  });
  return table(
    [
      "keys",
      "guards/s",
      "of the first",
      "p50 µs",
      "p99 µs",
      "server's memory, B per key",
      "after a restart",
      "disk, B per key",
    ],
    lines,
  );
}

async function openBucket(keys: number): Promise<Bucket> {
  const server = await startNats();
  const connection = await connect({ servers: server.url });
  const dedup = new Deduplicator({ store: await natsStore(connection, { bucket: "scale" }) });
  const before = await costOf(server, connection);
  await fill(connection, keys);
  const after = await costOf(server, connection);
  await server.restart();
  const restarted = await eventually("the bucket is back", () => costOf(server, connection));
  return {
    keys,
    guards: oneByOne({
      name: `${keys} keys`,
      guarantees: { storage: "a server", fence: "yes", lease: "renewed, with a signal" },
      events: EVENTS,
      once: guards(dedup),
    }),
    memoryPerKey: (after.memory - before.memory) / keys,
    restartedMemoryPerKey: (restarted.memory - before.memory) / keys,
    diskPerKey: (after.disk - before.disk) / keys,
    async [Symbol.asyncDispose]() {
      await dedup.close();
      await connection.close();
      await server.stop();
    },
  };
}

/** Fills the bucket with records like commits, under keys like those of events. */
async function fill(connection: NatsConnection, count: number): Promise<void> {
  const bare = new BareClient(connection, "scale");
  await throughput(Math.ceil(count / FILL_BATCH), FILLING_AT_ONCE, (batch) => {
    const indexes = Array.from({ length: FILL_BATCH }, (_, index) => batch * FILL_BATCH + index);
    const names = indexes.map(
      (index) => resolveIdentity({ subscriptionId: "bench", eventId: `kept-${index}` }).storeKey,
    );
    return bare.batch(names, WINDOW_S, () => 0);
  });
}

async function costOf(server: NatsServer, connection: NatsConnection): Promise<{ memory: number; disk: number }> {
  const { residentBytes } = await usageOf(server.pid);
  const { state } = await (await manager(connection)).streams.info("KV_scale");
  return { memory: residentBytes, disk: state.bytes };
}
