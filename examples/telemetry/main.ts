import { context } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import {
  AggregationTemporality,
  DataPointType,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from "@opentelemetry/sdk-metrics";
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
} from "@opentelemetry/sdk-trace-base";
import { Deduplicator, memoryStore } from "latchkey";
import { instrument } from "latchkey/otel";

// Traces and counts two deliveries of one event, and prints what an exporter would send.

const spans = new InMemorySpanExporter();
const metrics = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
const tracerProvider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(spans)] });
const meterProvider = new MeterProvider({ readers: [new PeriodicExportingMetricReader({ exporter: metrics })] });
context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());

const dedup = new Deduplicator({ store: memoryStore() });
const telemetry = instrument(dedup, { tracerProvider, meterProvider });
const tracer = tracerProvider.getTracer("orders");

/** The span of the dispatch is active in the handler, so the handler's spans are its children. */
function charge(): void {
  tracer.startActiveSpan("charge", (span) => span.end());
}

for (const delivery of ["first delivery", "second delivery"]) {
  await tracer.startActiveSpan(delivery, async (span) => {
    await dedup.guard({ subscriptionId: "billing", eventId: "order-42" }, charge);
    span.end();
  });
}

const finished = spans.getFinishedSpans().toSorted((one, other) => startOf(one) - startOf(other));
printBelow(undefined, "");
await meterProvider.forceFlush();
for (const { scopeMetrics } of metrics.getMetrics()) {
  for (const { descriptor, dataPoints, dataPointType } of scopeMetrics.flatMap((scope) => scope.metrics)) {
    if (dataPointType !== DataPointType.SUM) continue;
    for (const { attributes, value } of dataPoints)
      console.log([descriptor.name, ...Object.values(attributes)].join(" "), value);
  }
}

telemetry.stop();
await dedup.close();
await meterProvider.shutdown();
await tracerProvider.shutdown();

function printBelow(parentId: string | undefined, indent: string): void {
  for (const span of finished.filter(({ parentSpanContext }) => parentSpanContext?.spanId === parentId)) {
    const result = span.attributes["latchkey.decision"] ?? span.attributes["latchkey.commit"] ?? "";
    console.log(`${indent}${span.name} ${result}`.trimEnd());
    printBelow(span.spanContext().spanId, `${indent}  `);
  }
}

function startOf({ startTime: [seconds, nanoseconds] }: ReadableSpan): number {
  return seconds * 1e9 + nanoseconds;
}
