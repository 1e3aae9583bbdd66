/** Configuration of a worker process. */
export interface WorkerConfig {
  readonly name: string;
  readonly url: string;
  /** Name of the event stream. */
  readonly stream: string;
  readonly bucket: string;
  /** Subject of its reports. */
  readonly reportTo: string;
  readonly concurrency: number;
  readonly leaseMs: number;
  readonly skewMs: number;
  /** Number of dispatches after which every further dispatch hangs. */
  readonly hangAfter: number;
  /** Subject on which every dispatch waits for a message before it continues. */
  readonly gate?: string;
}

/** Report of a worker process. */
export type WorkerReport =
  | { readonly type: "ready"; readonly worker: string }
  | {
      readonly type: "began";
      readonly worker: string;
      readonly id: string;
      readonly attempt: number;
      readonly fence: number;
      readonly hangs: boolean;
    }
  | { readonly type: "woke"; readonly worker: string; readonly id: string; readonly aborted: boolean }
  | {
      readonly type: "done";
      readonly worker: string;
      readonly id: string;
      readonly attempt: number;
      readonly fence: number;
    }
  | { readonly type: "audit"; readonly worker: string; readonly audit: string; readonly commit?: string };

export function isWorkerConfig(value: unknown): value is WorkerConfig {
  return typeof value === "object" && value !== null && "url" in value && "bucket" in value && "reportTo" in value;
}

export function isWorkerReport(value: unknown): value is WorkerReport {
  return typeof value === "object" && value !== null && "type" in value && "worker" in value;
}
