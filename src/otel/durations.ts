import type { Meter } from "@opentelemetry/api";
import { BatchedHistogram } from "./batched-histogram.ts";

/** Upper bounds of the histograms, in seconds: from a store in memory to a lease of minutes. */
const SECONDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300];
const histogram = (description: string) => ({
  description,
  unit: "s",
  advice: { explicitBucketBoundaries: SECONDS },
});

/** Creates the histograms of a meter, one series per stage. */
export function createDurations(meter: Meter) {
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
