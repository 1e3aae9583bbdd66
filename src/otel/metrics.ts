import type { Meter, MeterProvider } from "@opentelemetry/api";
import type { Deduplicator } from "../deduplicator.ts";
import type { DedupEvent } from "../model/event.ts";
import { BatchedHistogram } from "./batched-histogram.ts";
import type { StageDurations } from "./stage-durations.ts";

/** Upper bounds of the histograms, in seconds: from a store in memory to a lease of minutes. */
const SECONDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300];
const histogram = (description: string) => ({
  description,
  unit: "s",
  advice: { explicitBucketBoundaries: SECONDS },
});

/**
 * Counts of a provider's operations and keys in flight, read at each export. OpenTelemetry's own counters would be called several
 * times per guard (docs/performance.md#what-telemetry-costs).
 */
class OperationCounts {
  /** Number of operations by stage and outcome. */
  readonly #operations = new Map<string, Map<string, number>>();
  readonly #durations = new Set<StageDurations>();

  /** @param onExport called before the histograms of an export are read: a meter calls its callbacks first. */
  constructor(meter: Meter, onExport: () => void) {
    meter
      .createObservableCounter("latchkey.operations", { description: "Operations on keys, by stage and outcome" })
      .addCallback((result) => {
        onExport();
        for (const [stage, outcomes] of this.#operations) {
          for (const [outcome, count] of outcomes) result.observe(count, { stage, outcome });
        }
      });
    meter
      .createObservableUpDownCounter("latchkey.keys.in_flight", {
        description: "Keys whose handler runs in this process",
      })
      .addCallback((result) => {
        let inFlight = 0;
        for (const durations of this.#durations) inFlight += durations.inFlight;
        result.observe(inFlight);
      });
  }

  /** Counts and measures what a deduplicator does until the returned function is called. */
  countEventsOf(dedup: Pick<Deduplicator, "subscribe">, durations: StageDurations): () => void {
    this.#durations.add(durations);
    const unsubscribe = dedup.subscribe((event) => {
      this.#count(event);
      durations.add(event);
    });
    return () => {
      unsubscribe();
      this.#durations.delete(durations);
    };
  }

  #count(event: DedupEvent): void {
    const { stage, outcome } = operationOf(event);
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

function createDurations(meter: Meter) {
  const store = meter.createHistogram(
    "latchkey.store.duration",
    histogram("Time that the store took to decide, to commit or to release"),
  );
  const dispatch = meter.createHistogram("latchkey.dispatch.duration", histogram("Duration of the handler"));
  const lease = meter.createHistogram(
    "latchkey.lease.duration",
    histogram("Time for which this process held a key, from the decision to the commit or release"),
  );
  return {
    reserve: new BatchedHistogram(store, { stage: "reserve" }),
    commit: new BatchedHistogram(store, { stage: "commit" }),
    release: new BatchedHistogram(store, { stage: "release" }),
    dispatch: new BatchedHistogram(dispatch),
    lease: new BatchedHistogram(lease),
  };
}

export type Durations = ReturnType<typeof createDurations>;

/** All instruments. `docs/telemetry.md` lists them. */
function createMetrics(provider: MeterProvider) {
  const meter = provider.getMeter("latchkey");
  const durations = createDurations(meter);
  return {
    durations,
    operations: new OperationCounts(meter, () => {
      for (const duration of Object.values(durations)) duration.record();
    }),
    deliveries: meter.createCounter("latchkey.deliveries", {
      description: "Requests and messages, by kind and outcome",
    }),
    deadLetters: meter.createCounter("latchkey.dead_letters", { description: "Dead letters, by reason" }),
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

/** Stage and outcome of an event, for the counter of operations. */
export function operationOf(event: DedupEvent): { readonly stage: string; readonly outcome: string } {
  switch (event.type) {
    case "reserved":
      return { stage: "reserve", outcome: "unseen" };
    case "duplicate":
    case "pending":
    case "unprotected":
      return { stage: "reserve", outcome: event.type };
    case "dispatched":
      return { stage: "dispatch", outcome: "returned" };
    case "failed":
      return { stage: "dispatch", outcome: "threw" };
    case "committed":
      return { stage: "commit", outcome: event.commit };
    case "superseded":
    case "unconfirmed":
    case "result-not-kept":
      return { stage: "commit", outcome: event.type };
    case "renewed":
    case "expired":
      return { stage: "lease", outcome: event.type };
    case "released":
      return { stage: "lease", outcome: event.left === "nothing" ? "released" : "left to expire" };
    case "store-unavailable":
      return { stage: "store", outcome: "unavailable" };
  }
}
