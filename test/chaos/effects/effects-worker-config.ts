/** Failpoints that one dispatch passes in {@link EffectsWorkerConfig}'s process: two for each of 7 requests, and 3 more. */
export const FAILPOINTS_PER_DISPATCH = 17;

/** Settings of one worker process of the campaign, passed as JSON. */
export interface EffectsWorkerConfig {
  readonly name: string;
  readonly nats: readonly string[];
  readonly postgres: string;
  readonly stream: string;
  readonly durable: string;
  readonly bucket: string;
  /** Subject of the messages that the effects publish. */
  readonly receipts: string;
  readonly leaseMs: number;
  readonly concurrency: number;
  readonly seed: number;
  /** Probability that a failpoint ends or stalls the process. */
  readonly failpointChance: number;
  /** File to which each failpoint that fires adds a line. */
  readonly failpointFile: string;
}

export function parseEffectsWorkerConfig(encoded: string): EffectsWorkerConfig {
  const config: EffectsWorkerConfig = JSON.parse(encoded);
  return config;
}
