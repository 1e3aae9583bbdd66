import type { Attributes, Histogram } from "@opentelemetry/api";

/** Number of values after which a batch is recorded. */
const BATCH = 256;

/**
 * One series of a histogram. Its values are recorded in batches, which costs a fraction of single records
 * (docs/performance.md#what-telemetry-costs). Call {@link record} before each export.
 */
export class BatchedHistogram {
  readonly #histogram: Histogram;
  readonly #attributes: Attributes | undefined;
  readonly #seconds = new Float64Array(BATCH);
  #count = 0;

  constructor(histogram: Histogram, attributes?: Attributes) {
    this.#histogram = histogram;
    this.#attributes = attributes;
  }

  add(durationMs: number): void {
    this.#seconds[this.#count] = durationMs / 1_000;
    this.#count += 1;
    if (this.#count === BATCH) this.record();
  }

  /** Records the values that were added since the last batch. */
  record(): void {
    const count = this.#count;
    this.#count = 0;
    for (const seconds of this.#seconds.subarray(0, count)) this.#histogram.record(seconds, this.#attributes);
  }
}
