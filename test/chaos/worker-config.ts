import type { EffectMix } from "./effect.ts";

/** Configuration of a worker process: its first argument, as JSON. */
export interface WorkerConfig {
  /** Name in histories and records; new for every process. */
  readonly name: string;
  readonly urls: readonly string[];
  readonly stream: string;
  readonly consumers: readonly ConsumerPlan[];
  readonly bucket: string;
  readonly deadSubject: string;
  /** URL of the endpoint that receives effects. */
  readonly endpoint: string;
  /** File that the process writes its history to. */
  readonly file: string;
  readonly seed: number;
  readonly effects: EffectMix;
  readonly leaseMs: number;
  readonly skewMs: number;
  /** True to send two or more waiting writes always as a batch; false to let the store choose. */
  readonly inBatches: boolean;
  /** Folder of the package to use: the one under test, or a copy with a planted bug. */
  readonly root: string;
}

/** A durable consumer of the stream, and the window of its events. */
export interface ConsumerPlan {
  readonly durable: string;
  readonly subject: string;
  readonly windowMs: number;
  readonly concurrency: number;
}

export function parseWorkerConfig(text: string): WorkerConfig {
  const config: unknown = JSON.parse(text);
  if (!isWorkerConfig(config)) throw new Error(`Expected a worker's configuration, got ${text}`);
  return config;
}

function isWorkerConfig(value: unknown): value is WorkerConfig {
  return typeof value === "object" && value !== null && "urls" in value && "endpoint" in value && "root" in value;
}
