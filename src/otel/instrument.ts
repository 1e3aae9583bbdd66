import {
  type Attributes,
  metrics as globalMetrics,
  trace as globalTrace,
  type MeterProvider,
  type TracerProvider,
} from "@opentelemetry/api";
import type { Deduplicator, Handler } from "../deduplicator.ts";
import { callable, objectWith } from "../internal/validate.ts";
import type { Decision, Outcome } from "../model/decision.ts";
import { DEFAULT_WORKSPACE, type Identity } from "../model/identity.ts";
import type { Telemetry } from "../model/telemetry.ts";
import type { ReserveOptions } from "../options.ts";
import { GuardSpans, withTracedCommit } from "./guard-spans.ts";
import { metricsOf } from "./metrics.ts";
import { observeUsage, type StoreUsage } from "./store-usage.ts";
import { hasTracer, inDeliverySpan, inject, inSpan } from "./tracing.ts";

/** Options of {@link instrument}. */
export interface InstrumentOptions {
  /** Provider of the tracer. @default the global one */
  readonly tracerProvider?: TracerProvider;
  /** Provider of the meter. @default the global one */
  readonly meterProvider?: MeterProvider;
  /** Returns the size of the store and its limit, for two gauges. Called once per export. */
  readonly storeUsage?: () => Promise<StoreUsage>;
}

/** Telemetry of a deduplicator. Pass it to `webhook`, `consume` and `publishOnce`. */
export interface InstrumentedTelemetry extends Telemetry {
  /** Restores the deduplicator, and stops measuring. */
  stop(): void;
}

/**
 * Traces and counts what a deduplicator does: spans `reserve`, `dispatch`, `commit` and `release`, and the metrics of
 * `docs/telemetry.md`. Payloads, results and messages of errors never appear.
 * @throws {TypeError} naming the wrong option.
 */
export function instrument(dedup: Deduplicator, options: InstrumentOptions = {}): InstrumentedTelemetry {
  objectWith("dedup", dedup, "guard", "reserve", "measure");
  objectWith("options", options);
  const {
    tracerProvider = globalTrace.getTracerProvider(),
    meterProvider = globalMetrics.getMeterProvider(),
    storeUsage,
  } = options;
  if (storeUsage !== undefined) callable("storeUsage", storeUsage);
  const tracer = tracerProvider.getTracer("latchkey");
  const metrics = metricsOf(meterProvider);
  const stopObserving = storeUsage === undefined ? () => {} : observeUsage(metrics, storeUsage);
  const stopMeasuring = metrics.operations.measure(dedup);

  const guard = dedup.guard.bind(dedup);
  const reserve = dedup.reserve.bind(dedup);

  function tracedGuard<Value>(
    identity: Identity,
    handler: Handler<Value>,
    how: ReserveOptions | undefined,
  ): Promise<Outcome<Value>> {
    const spans = new GuardSpans(tracer, attributesOf(identity));
    return spans.run(() => guard(identity, (reservation) => spans.dispatch(reservation, handler), how));
  }

  // Allocates nothing while there is no tracer.
  dedup.guard = (identity, handler, how) =>
    hasTracer(tracerProvider) && typeof handler === "function"
      ? tracedGuard(identity, handler, how)
      : guard(identity, handler, how);

  dedup.reserve = (identity, how): Promise<Decision> => {
    if (!hasTracer(tracerProvider)) return reserve(identity, how);
    const attributes = attributesOf(identity);
    return inSpan(tracer, { name: "reserve", attributes }, async (span) => {
      const decision = await reserve(identity, how);
      span.setAttribute("latchkey.decision", decision.decision);
      return decision.decision === "unseen" ? withTracedCommit(tracer, decision, attributes) : decision;
    });
  };

  return {
    trace: (delivery, work, outcomeOf) =>
      inDeliverySpan(tracer, delivery, work, (value) => {
        const traced = outcomeOf(value);
        metrics.deliveries.add(1, { kind: delivery.kind, outcome: traced.outcome });
        return traced;
      }),
    inject,
    deadLettered: (reason) => metrics.deadLetters.add(1, { reason }),
    stop() {
      dedup.guard = guard;
      dedup.reserve = reserve;
      stopMeasuring();
      stopObserving();
    },
  };
}

/** The identity is validated by the deduplicator, after this. */
function attributesOf({
  subscriptionId,
  eventId,
  workspaceId = DEFAULT_WORKSPACE,
}: Partial<Identity> = {}): Attributes {
  return {
    "latchkey.workspace": workspaceId,
    "latchkey.subscription": subscriptionId,
    "latchkey.event_id": eventId,
  };
}
