import type { Meter, MeterProvider } from "@opentelemetry/api";
import type { Deduplicator } from "../deduplicator.ts";
import { DEAD_LETTER_REASONS } from "../model/dead-letter.ts";
import type { DedupEvent } from "../model/event.ts";
import { createDurations } from "./durations.ts";
import type { StageDurations } from "./stage-durations.ts";

/**
 * Counts of a provider's operations and keys in flight, read at each export. OpenTelemetry's own counters would be called several
 * times per guard (docs/performance.md#what-telemetry-costs).
 */
class OperationCounts {
  /** Number of operations by stage and outcome. Those on which alerts are based start at 0: see {@link createMetrics}. */
  readonly #operations = new Map([
    ["commit", new Map([["superseded", 0]])],
    ["store", new Map([["unavailable", 0]])],
  ]);
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

/**
 * All instruments. `docs/telemetry.md` lists them. Counters on which alerts are based are 0 before the first event: a series that
 * appears with 1 has no increase for Prometheus, so the alert would miss that event.
 */
function createMetrics(provider: MeterProvider) {
  const meter = provider.getMeter("latchkey");
  const durations = createDurations(meter);
  const deadLetters = meter.createCounter("latchkey.dead_letters", { description: "Dead letters, by reason" });
  for (const reason of DEAD_LETTER_REASONS) deadLetters.add(0, { reason });
  return {
    durations,
    operations: new OperationCounts(meter, () => {
      for (const duration of Object.values(durations)) duration.record();
    }),
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
