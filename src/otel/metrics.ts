import type { Meter, MeterProvider } from "@opentelemetry/api";
import type { Deduplicator } from "../deduplicator.ts";
import { DEAD_LETTER_REASONS } from "../model/dead-letter.ts";
import type { Measurement } from "../model/measurement.ts";
import { Durations } from "./durations.ts";

/**
 * Operations, durations and keys in flight of a provider. They are counted here and read at each export, because OpenTelemetry's own
 * counters would be called several times per guard (docs/performance.md#what-telemetry-costs).
 */
class OperationMetrics {
  /** Number of operations by stage and outcome. Those on which alerts are based start at 0: see {@link createMetrics}. */
  readonly #operations = new Map([
    ["commit", new Map([["superseded", 0]])],
    ["store", new Map([["unavailable", 0]])],
  ]);
  readonly #durations: Durations;
  readonly #inFlight = new Set<() => number>();

  constructor(meter: Meter) {
    this.#durations = new Durations(meter);
    meter
      .createObservableCounter("latchkey.operations", { description: "Operations on keys, by stage and outcome" })
      .addCallback((result) => {
        // A meter calls its callbacks before it reads the histograms.
        this.#durations.record();
        for (const [stage, outcomes] of this.#operations) {
          for (const [outcome, count] of outcomes) result.observe(count, { stage, outcome });
        }
      });
    meter
      .createObservableUpDownCounter("latchkey.keys.in_flight", {
        description: "Keys of this process between their reservation and their commit or release",
      })
      .addCallback((result) => result.observe([...this.#inFlight].reduce((sum, count) => sum + count(), 0)));
  }

  /** Measures what a deduplicator does until the returned function is called. */
  measure(dedup: Pick<Deduplicator, "measure" | "inFlight">): () => void {
    const inFlight = () => dedup.inFlight;
    this.#inFlight.add(inFlight);
    const stop = dedup.measure((measurement) => {
      this.#count(measurement);
      this.#durations.add(measurement);
    });
    return () => {
      stop();
      this.#inFlight.delete(inFlight);
    };
  }

  #count({ stage, outcome }: Measurement): void {
    const outcomes = this.#operations.get(stage) ?? new Map<string, number>();
    if (outcomes.size === 0) this.#operations.set(stage, outcomes);
    outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
  }
}

const metricsByProvider = new WeakMap<MeterProvider, Metrics>();

/** Returns the instruments of a provider. All deduplicators that use it share them, so their counts add up. */
export function metricsOf(provider: MeterProvider): Metrics {
  const metrics = metricsByProvider.get(provider) ?? createMetrics(provider);
  metricsByProvider.set(provider, metrics);
  return metrics;
}

/**
 * All instruments. `docs/telemetry.md` lists them. Counters on which alerts are based are 0 before the first event: a series that
 * appears with 1 has no increase for Prometheus, so the alert would miss that event.
 */
function createMetrics(provider: MeterProvider) {
  const meter = provider.getMeter("latchkey");
  const deadLetters = meter.createCounter("latchkey.dead_letters", { description: "Dead letters, by reason" });
  for (const reason of DEAD_LETTER_REASONS) deadLetters.add(0, { reason });
  return {
    operations: new OperationMetrics(meter),
    deliveries: meter.createCounter("latchkey.deliveries", {
      description: "Requests and messages, by kind and outcome",
    }),
    deadLetters,
    storeUsed: meter.createObservableGauge("latchkey.store.used", {
      description: "Bytes that the store uses",
      unit: "By",
    }),
    storeLimit: meter.createObservableGauge("latchkey.store.limit", {
      description: "Bytes that the store may use",
      unit: "By",
    }),
  };
}

export type Metrics = ReturnType<typeof createMetrics>;
