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

// Guards with and without metrics and traces, in turns: node --expose-gc --import tsx test/bench/telemetry-cost.ts

const ROUNDS = 11;
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

async function compare(name: string, events: number, storeOf: (round: string) => Promise<Store>): Promise<string[][]> {
  const rates = await takeTurns(Object.keys(arms), { rounds: ROUNDS }, async (arm, round): Promise<Rate> => {
    const dedup = new Deduplicator({ store: await storeOf(round) });
    const how = arms[arm];
    const telemetry = how === undefined ? undefined : instrument(dedup, how);
    const rate = await throughput(events, CONCURRENCY, (index) =>
      dedup.guard({ subscriptionId: "bench", eventId: `${arm}-${round}-${index}` }, () => undefined),
    );
    telemetry?.stop();
    spans.reset();
    return rate;
  });
  // The first rounds warm up.
  const figures = (arm: string, of: (rate: Rate) => number): number[] => (rates.get(arm) ?? []).slice(3).map(of);
  const plain = figures("without telemetry", ({ perSecond }) => perSecond);
  return Object.keys(arms).map((arm) => {
    const perSecond = figures(arm, (rate) => rate.perSecond);
    const ratio = median(perSecond.map((rate, round) => rate / (plain[round] ?? rate)));
    const cpuUs = median(figures(arm, (rate) => rate.cpuUs));
    return [name, arm, median(perSecond).toFixed(0), ratio.toFixed(3), cpuUs.toFixed(1)];
  });
}

await using server = await startNats();
const connection = await connect({ servers: server.url });
const bucket = await natsStore(connection, { bucket: "bench" });
const rows = [
  ...(await compare("memory store", 10_000, () => Promise.resolve(memoryStore()))),
  ...(await compare("NATS, one replica", 3_000, () => Promise.resolve(bucket))),
];
console.log(table(["store", "telemetry", "guards/s", "ratio", "CPU, µs"], rows));
await connection.close();
await meterProvider.shutdown();
await tracerProvider.shutdown();
