import { connect } from "@nats-io/transport-node";
import { context, trace } from "@opentelemetry/api";
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
import { instrument } from "../../src/otel/index.ts";
import { type Rate, throughput } from "./measure.ts";
import { answerRequests, type Round } from "./worker-channel.ts";

// Guards of one service: without telemetry, with metrics, or with metrics and traces.

export interface TelemetrySetup {
  readonly telemetry: "without" | "metrics" | "metrics and traces";
  /** Server of the bucket. Absent for a memory store. */
  readonly url: string | undefined;
}

const CONCURRENCY = 64;

const { telemetry, url }: TelemetrySetup = JSON.parse(process.argv[2] ?? "");
const spans = new InMemorySpanExporter();
if (telemetry === "metrics and traces") {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors: [new BatchSpanProcessor(spans)] }));
}
/** Exports every second, more often than Prometheus asks. */
const startMeter = () =>
  new MeterProvider({
    readers: [
      new PeriodicExportingMetricReader({
        exporter: new InMemoryMetricExporter(AggregationTemporality.DELTA),
        exportIntervalMillis: 1_000,
      }),
    ],
  });
const meterProvider = telemetry === "without" ? undefined : startMeter();
const bucket = url === undefined ? undefined : await natsStore(await connect({ servers: url }), { bucket: "bench" });

/** Begins with an empty memory store: a full one takes the garbage collector's time in all later rounds. */
const storeOfRound = (): Store => bucket ?? memoryStore();

answerRequests(async ({ round, events }: Round): Promise<Rate> => {
  await using dedup = new Deduplicator({ store: storeOfRound() });
  const stop = meterProvider === undefined ? undefined : instrument(dedup, { meterProvider }).stop;
  globalThis.gc?.();
  const rate = await throughput(events, CONCURRENCY, (index) =>
    dedup.guard({ subscriptionId: "bench", eventId: `${telemetry}-${round}-${index}` }, () => undefined),
  );
  stop?.();
  spans.reset();
  return rate;
});
