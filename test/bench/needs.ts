import { setTimeout as pause } from "node:timers/promises";
import type { NatsConnection } from "@nats-io/nats-core";
import { manager } from "../support/nats-bucket.ts";
import { median } from "./measure.ts";
import { usageOf } from "./process-usage.ts";

const SAMPLE_MS = 5_000;

/** Resources of client and server at one time. */
export interface Sample {
  readonly atMs: number;
  readonly keys: number;
  readonly clientHeapBytes: number;
  readonly clientBytes: number;
  readonly clientCpuMs: number;
  readonly serverBytes: number;
  readonly serverCpuMs: number;
}

export const needs = [
  "keys",
  "client's heap, MB",
  "client, MB",
  "client's CPU, %",
  "server, MB",
  "server's CPU, %",
] as const;
export type Need = (typeof needs)[number];

interface Watched {
  readonly connection: NatsConnection;
  readonly bucket: string;
  readonly serverPid: number;
  readonly signal: AbortSignal;
}

/** Takes samples of this process and of a server until the signal aborts, each after a garbage collection. */
export async function samplesOf({ connection, bucket, serverPid, signal }: Watched): Promise<readonly Sample[]> {
  const jsm = await manager(connection);
  const samples: Sample[] = [];
  while (!signal.aborted) {
    globalThis.gc?.();
    const { state } = await jsm.streams.info(`KV_${bucket}`);
    const server = await usageOf(serverPid);
    const { user, system } = process.cpuUsage();
    const { rss, heapUsed } = process.memoryUsage();
    samples.push({
      atMs: performance.now(),
      keys: state.messages,
      clientHeapBytes: heapUsed,
      clientBytes: rss,
      clientCpuMs: (user + system) / 1_000,
      serverBytes: server.residentBytes,
      serverCpuMs: server.cpuMs,
    });
    await pause(SAMPLE_MS, undefined, { signal }).catch(() => undefined);
  }
  return samples;
}

/** Returns the medians of the samples, and the share of a core that was used from the first to the last. */
export function needsOf(samples: readonly Sample[]): Readonly<Record<Need, number>> {
  const first = samples[0];
  const last = samples.at(-1);
  const middle = (of: (sample: Sample) => number) => median(samples.map(of));
  const share = (of: (sample: Sample) => number) =>
    first === undefined || last === undefined ? Number.NaN : (100 * (of(last) - of(first))) / (last.atMs - first.atMs);
  return {
    keys: middle(({ keys }) => keys),
    "client's heap, MB": middle(({ clientHeapBytes }) => clientHeapBytes / 1e6),
    "client, MB": middle(({ clientBytes }) => clientBytes / 1e6),
    "client's CPU, %": share(({ clientCpuMs }) => clientCpuMs),
    "server, MB": middle(({ serverBytes }) => serverBytes / 1e6),
    "server's CPU, %": share(({ serverCpuMs }) => serverCpuMs),
  };
}
