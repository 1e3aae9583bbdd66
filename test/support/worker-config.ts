/** What a worker process is told. */
export interface WorkerConfig {
  readonly name: string;
  readonly url: string;
  readonly stream: string;
  readonly durable: string;
  readonly bucket: string;
  readonly deadSubject: string;
  /** The subject that it reports to. */
  readonly reportTo: string;
  readonly concurrency: number;
  readonly leaseMs: number;
  readonly skewMs: number;
  /** How many dispatches it begins before all further ones never end. */
  readonly hangAfter: number;
  /** A subject on which every dispatch waits for a message before it goes on. */
  readonly gate?: string;
}

/** What a worker process tells. */
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
