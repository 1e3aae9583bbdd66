import { connect } from "@nats-io/transport-node";
import { context } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from "@opentelemetry/sdk-metrics";
import { BasicTracerProvider, BatchSpanProcessor, InMemorySpanExporter } from "@opentelemetry/sdk-trace-base";
import { Deduplicator, memoryStore, type Store } from "../../src/index.ts";
import { natsStore } from "../../src/nats/index.ts";
import { type InstrumentOptions, instrument } from "../../src/otel/index.ts";
import { startNats } from "../support/nats-server.ts";
import { median, type Rate, takeTurns, throughput } from "./measure.ts";
import { table } from "./table.ts";

// Guards with and without metrics and traces, in turns. Runs without tsx, which makes every closure slower:
// node scripts/node-runtime.mjs 24 --expose-gc test/bench/telemetry-cost.ts

const ROUNDS = 40;
const WARM_UP_ROUNDS = 10;
const CONCURRENCY = 64;

/** Metrics that are exported every second, as often as Prometheus would not even ask. */
const meterProvider = new MeterProvider({
  readers: [
    new PeriodicExportingMetricReader({
      exporter: new InMemoryMetricExporter(AggregationTemporality.DELTA),
      exportIntervalMillis: 1_000,
    }),
  ],
});
const spans = new InMemorySpanExporter();
const tracerProvider = new BasicTracerProvider({ spanProcessors: [new BatchSpanProcessor(spans)] });
context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());

const arms: Readonly<Record<string, InstrumentOptions | undefined>> = {
  "without telemetry": undefined,
  metrics: { meterProvider },
  "metrics and traces": { meterProvider, tracerProvider },
};

/** Each arm has one deduplicator for all rounds, as a service has: a new one would run code that is not yet optimized. */
async function compare(name: string, events: number, storeOf: () => Store): Promise<string[][]> {
  const dedups = new Map(
    Object.entries(arms).map(([arm, how]) => {
      const dedup = new Deduplicator({ store: storeOf() });
      return [dedup, { arm, telemetry: how === undefined ? undefined : instrument(dedup, how) }];
    }),
  );
  const rates = await takeTurns(dedups.keys(), { rounds: ROUNDS }, async (dedup, round): Promise<Rate> => {
    const prefix = `${dedups.get(dedup)?.arm}-${round}`;
    const rate = await throughput(events, CONCURRENCY, (index) =>
      dedup.guard({ subscriptionId: "bench", eventId: `${prefix}-${index}` }, () => undefined),
    );
    spans.reset();
    return rate;
  });
  const measured = [...rates.values()].map((ofArm) => ofArm.slice(WARM_UP_ROUNDS));
  const plain = measured[0] ?? [];
  const medianOf = (figure: (rate: Rate, plain: Rate) => number, ofArm: readonly Rate[]): number =>
    median(ofArm.map((rate, round) => figure(rate, plain[round] ?? rate)));
  for (const { telemetry } of dedups.values()) telemetry?.stop();
  return measured.map((ofArm, index) => [
    name,
    Object.keys(arms)[index] ?? "",
    medianOf(({ perSecond }) => perSecond, ofArm).toFixed(0),
    medianOf(({ perSecond }, without) => perSecond / without.perSecond, ofArm).toFixed(3),
    medianOf(({ cpuUs }) => cpuUs, ofArm).toFixed(1),
    medianOf(({ cpuUs }, without) => cpuUs - without.cpuUs, ofArm).toFixed(1),
  ]);
}

await using server = await startNats();
const connection = await connect({ servers: server.url });
const bucket = await natsStore(connection, { bucket: "bench" });
const rows = [
  ...(await compare("memory store", 2_000, memoryStore)),
  ...(await compare("NATS, one replica", 1_000, () => bucket)),
];
console.log(table(["store", "telemetry", "guards/s", "ratio", "CPU, µs", "more, µs"], rows));
await connection.close();
await meterProvider.shutdown();
await tracerProvider.shutdown();
