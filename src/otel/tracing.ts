import {
  type Attributes,
  type Context,
  context,
  INVALID_SPANID,
  propagation,
  type Span,
  SpanKind,
  SpanStatusCode,
  type Tracer,
  type TracerProvider,
  trace,
} from "@opentelemetry/api";
import type { HeaderReader, HeaderWriter, TracedDelivery, TracedOutcome } from "../model/telemetry.ts";

const reader = {
  get: (headers: HeaderReader, name: string) => headers.get(name) ?? undefined,
  keys: () => ["traceparent", "tracestate", "baggage"],
};
const writer = { set: (headers: HeaderWriter, name: string, value: string) => headers.set(name, value) };

/** Writes the active trace context into headers, with the global propagator. */
export function inject(headers: HeaderWriter): void {
  propagation.inject(context.active(), headers, writer);
}

/** Marks a span as failed. The error's message is left out, as it may contain a payload. */
export function failSpan(span: Span, error: unknown): void {
  span.setStatus({ code: SpanStatusCode.ERROR });
  span.setAttribute("error.type", errorType(error));
}

/** Returns false while the global provider has no tracer. The API's proxy then has none to delegate to. */
export function hasTracer(provider: TracerProvider): boolean {
  return !isProxy(provider) || provider.getDelegateTracer("latchkey") !== undefined;
}

function isProxy(
  provider: TracerProvider,
): provider is TracerProvider & { getDelegateTracer(name: string): Tracer | undefined } {
  return "getDelegateTracer" in provider;
}

/** Returns true if the span is none of its own: without a tracer, it is its parent, or has no id. */
function isUntraced(span: Span, parent: Context): boolean {
  const parentId = trace.getSpanContext(parent)?.spanId ?? INVALID_SPANID;
  return span.spanContext().spanId === parentId && !span.isRecording();
}

/** Runs `work` while the span is active. Without a tracer, it creates no context: each costs every promise of `work` something. */
export function inContextOf<Value>(span: Span, parent: Context, work: () => Value): Value {
  return isUntraced(span, parent) ? work() : context.with(trace.setSpan(parent, span), work);
}

/** Runs `work` in a new span, which ends with it. An error is its status. */
export async function inSpan<Value>(
  tracer: Tracer,
  { name, kind = SpanKind.INTERNAL, attributes = {}, parent = context.active() }: SpanSettings,
  work: (span: Span) => Promise<Value>,
): Promise<Value> {
  const span = tracer.startSpan(name, { kind, attributes }, parent);
  try {
    return await inContextOf(span, parent, () => work(span));
  } catch (error) {
    failSpan(span, error);
    throw error;
  } finally {
    span.end();
  }
}

export interface SpanSettings {
  readonly name: string;
  readonly kind?: SpanKind;
  readonly attributes?: Attributes;
  /** @default the active context */
  readonly parent?: Context;
}

/** Runs `work` in the span of a delivery. */
export function inDeliverySpan<Value>(
  tracer: Tracer,
  delivery: TracedDelivery,
  work: () => Promise<Value>,
  outcomeOf: (value: Value) => TracedOutcome,
): Promise<Value> {
  return inSpan(tracer, settingsOf(delivery), async (span) => {
    const value = await work();
    const { outcome, failed } = outcomeOf(value);
    span.setAttribute("latchkey.outcome", outcome);
    if (failed) span.setStatus({ code: SpanStatusCode.ERROR });
    return value;
  });
}

/** An active span, such as that of an instrumented HTTP server, has read the headers already. */
function settingsOf(delivery: TracedDelivery): SpanSettings {
  const active = context.active();
  const isContinued = trace.getSpan(active) !== undefined;
  const { headers } = delivery;
  const parent = isContinued || headers === undefined ? active : propagation.extract(active, headers, reader);
  if (delivery.kind === "request") {
    return {
      name: `receive ${delivery.source}`,
      kind: isContinued ? SpanKind.INTERNAL : SpanKind.SERVER,
      attributes: { "latchkey.source": delivery.source },
      parent,
    };
  }
  const { stream, consumer, deliveries } = delivery;
  return {
    name: `process ${stream}`,
    kind: SpanKind.CONSUMER,
    attributes: {
      "messaging.system": "nats",
      "messaging.operation.name": "process",
      "messaging.operation.type": "process",
      "messaging.destination.name": stream,
      "messaging.consumer.group.name": consumer,
      "latchkey.deliveries": deliveries,
    },
    parent,
  };
}

/** Returns the code or the name of an error. */
function errorType(error: unknown): string {
  if (!(error instanceof Error)) return typeof error;
  return "code" in error && typeof error.code === "string" ? error.code : error.name;
}
