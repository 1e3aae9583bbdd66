import { type ChildProcess, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { NatsConnection } from "@nats-io/transport-node";
import { eventually } from "./eventually.ts";
import { isWorkerReport, type WorkerConfig, type WorkerReport } from "./worker-config.ts";
import { DURABLE, type EventStream } from "./worker-stream.ts";

type ReportOf<Type extends WorkerReport["type"]> = Extract<WorkerReport, { readonly type: Type }>;

/** Worker processes on one durable consumer and one bucket, seen from the receiving side. */
export interface Crew extends AsyncDisposable {
  readonly bucket: string;
  /** Starts a worker process; resolves when it takes messages. */
  hire(name: string, options?: Partial<WorkerConfig>): Promise<Worker>;
  of<Type extends WorkerReport["type"]>(type: Type): readonly ReportOf<Type>[];
}

export interface Worker {
  signal(signal: NodeJS.Signals): void;
  /** Resolves with the exit code, or the signal that ended the process. */
  readonly ended: Promise<number | NodeJS.Signals | null>;
}

/** So long that it does not end because a busy machine was late with a renewal. */
export const CREW_LEASE_MS = 4_000;

export function gather(connection: NatsConnection, url: string, stream: EventStream): Crew {
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
    async hire(name, options = {}) {
      const config: WorkerConfig = {
        name,
        url,
        stream: stream.name,
        durable: DURABLE,
        bucket,
        deadSubject: stream.deadSubject,
        reportTo,
        concurrency: 4,
        leaseMs: CREW_LEASE_MS,
        skewMs: 0,
        hangAfter: Number.MAX_SAFE_INTEGER,
        ...options,
      };
      const script = fileURLToPath(new URL("worker.ts", import.meta.url));
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
