import type { Meter } from "@opentelemetry/api";
import type { Measurement, Operation } from "../model/measurement.ts";
import { BatchedHistogram } from "./batched-histogram.ts";

/** Upper bounds of the histograms, in seconds: from a store in memory to a lease of minutes. */
const SECONDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300];
const histogram = (description: string) => ({
  description,
  unit: "s",
  advice: { explicitBucketBoundaries: SECONDS },
});

/** Histograms of a meter, one series per stage. */
export class Durations {
  readonly #stages: Readonly<Record<Operation["stage"], BatchedHistogram>>;
  readonly #lease: BatchedHistogram;
  readonly #all: readonly BatchedHistogram[];

  constructor(meter: Meter) {
    const ofStore = meter.createHistogram(
      "latchkey.store.duration",
      histogram("Time that the store took to decide, to commit or to release"),
    );
    const reserve = new BatchedHistogram(ofStore, { stage: "reserve" });
    const commit = new BatchedHistogram(ofStore, { stage: "commit" });
    const release = new BatchedHistogram(ofStore, { stage: "release" });
    const dispatch = new BatchedHistogram(
      meter.createHistogram("latchkey.dispatch.duration", histogram("Duration of the handler")),
    );
    this.#lease = new BatchedHistogram(
      meter.createHistogram(
        "latchkey.lease.duration",
        histogram("Time for which this process held a key, from the decision to the commit or release"),
      ),
    );
    // A failed request ends the stage `reserve`, and a release ends the lease.
    this.#stages = { reserve, store: reserve, dispatch, commit, lease: release };
    this.#all = [reserve, commit, release, dispatch, this.#lease];
  }

  add({ stage, durationMs, heldMs }: Measurement): void {
    if (durationMs !== undefined) this.#stages[stage].add(durationMs);
    if (heldMs !== undefined) this.#lease.add(heldMs);
  }

  /** Call this before each export. */
  record(): void {
    for (const one of this.#all) one.record();
  }
}
