import type { EffectMix } from "./effect.ts";

/** What a worker process is told. */
export interface WorkerConfig {
  /** Its name in histories and records; new for every process. */
  readonly name: string;
  readonly urls: readonly string[];
  readonly stream: string;
  readonly consumers: readonly ConsumerPlan[];
  readonly bucket: string;
  readonly deadSubject: string;
  /** Where effects are received. */
  readonly endpoint: string;
  /** Where it writes its history. */
  readonly file: string;
  readonly seed: number;
  readonly effects: EffectMix;
  readonly leaseMs: number;
  readonly skewMs: number;
  /** Whether its writes leave in batches whenever there are two, rather than when that has been found to pay. */
  readonly inBatches: boolean;
  /** The folder of the package to use: the one under test, or a copy with a bug in it. */
  readonly root: string;
}

/** A durable consumer of the stream, and how long its events are suppressed. */
export interface ConsumerPlan {
  readonly durable: string;
  readonly subject: string;
  readonly windowMs: number;
  readonly concurrency: number;
}

export function isWorkerConfig(value: unknown): value is WorkerConfig {
  return typeof value === "object" && value !== null && "urls" in value && "endpoint" in value && "root" in value;
}
