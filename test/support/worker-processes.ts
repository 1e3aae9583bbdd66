import { type ChildProcess, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { NatsConnection } from "@nats-io/transport-node";
import type { EventStream } from "./event-stream.ts";
import { eventually } from "./eventually.ts";
import { isWorkerReport, type WorkerConfig, type WorkerReport } from "./worker-config.ts";

type ReportOf<Type extends WorkerReport["type"]> = Extract<WorkerReport, { readonly type: Type }>;

/** Worker processes on one durable consumer and one bucket, and their reports. */
export interface WorkerProcesses extends AsyncDisposable {
  readonly bucket: string;
  /** Starts a worker process. Resolves when it fetches messages. */
  start(name: string, options?: Partial<WorkerConfig>): Promise<WorkerProcess>;
  of<Type extends WorkerReport["type"]>(type: Type): readonly ReportOf<Type>[];
}

export interface WorkerProcess {
  signal(signal: NodeJS.Signals): void;
  /** Resolves with the exit code, or with the signal that ended the process. */
  readonly ended: Promise<number | NodeJS.Signals | null>;
}

/** Lease in milliseconds, long enough that a busy machine does not renew it too late. */
const LEASE_MS = 4_000;

export function workerProcesses(connection: NatsConnection, url: string, stream: EventStream): WorkerProcesses {
  const bucket = `B-${randomUUID()}`;
  const reportTo = `reports.${bucket}`;
  const reports: WorkerReport[] = [];
  const processes = new Set<ChildProcess>();
  const subscription = connection.subscribe(reportTo, {
    callback: (error, message) => {
      const report: unknown = error ?? message.json();
      if (isWorkerReport(report)) reports.push(report);
    },
  });
  const of = <Type extends WorkerReport["type"]>(type: Type): readonly ReportOf<Type>[] =>
    reports.filter((report): report is ReportOf<Type> => report.type === type);

  return {
    bucket,
    of,
    async start(name, options = {}) {
      const config: WorkerConfig = {
        name,
        url,
        stream: stream.name,
        bucket,
        reportTo,
        concurrency: 4,
        leaseMs: LEASE_MS,
        skewMs: 0,
        hangAfter: Number.MAX_SAFE_INTEGER,
        ...options,
      };
      const script = fileURLToPath(new URL("worker-process.ts", import.meta.url));
      const child = spawn(process.execPath, ["--import", "tsx", script, JSON.stringify(config)], {
        stdio: ["ignore", "inherit", "inherit"],
      });
      processes.add(child);
      const ended = once(child, "exit").then(([code, signal]: unknown[]) =>
        typeof code === "number" ? code : isSignal(signal) ? signal : null,
      );
      await eventually(`${name} to be ready`, () => {
        if (child.exitCode !== null) throw new Error(`${name} ended`);
        return of("ready").some(({ worker }) => worker === name) ? true : undefined;
      });
      return { signal: (signal) => child.kill(signal), ended };
    },
    async [Symbol.asyncDispose]() {
      for (const child of processes) child.kill("SIGKILL");
      await subscription.drain();
    },
  };
}

function isSignal(value: unknown): value is NodeJS.Signals {
  return typeof value === "string" && value.startsWith("SIG");
}
