import { startCluster, startNats } from "../support/nats-server.ts";
import { shown } from "./figures.ts";
import type { GuardCost, GuardSetup } from "./guard-worker.ts";
import { median } from "./measure.ts";
import { usageOf } from "./process-usage.ts";
import { table } from "./table.ts";
import { type Round, startWorker, type Worker } from "./worker-channel.ts";

const PROCESSES = [1, 2, 4];
const SHARDS = [1, 2, 4, 8];
const ROUNDS = 3;
/** Events of a round, over all processes. */
const EVENTS = 24_000;

interface Servers {
  readonly urls: readonly string[];
  readonly pids: readonly number[];
}

interface Measured {
  readonly perSecond: number;
  readonly clientCpuUs: number;
  readonly serverCpuUs: number;
}

/** Runs guards in 1 to 4 processes on buckets of 1 to 8 shards, and estimates the cores for a million events per second. */
export async function scaleProcesses(onProgress: (line: string) => void): Promise<string> {
  await using server = await startNats();
  const one: Servers = { urls: [server.url], pids: [server.pid] };
  const rows: string[][] = [];
  for (const shards of SHARDS) {
    for (const processes of PROCESSES) {
      onProgress(`one replica: ${processes} processes, ${shards} shards`);
      rows.push(row("one", processes, shards, await measured(one, 1, processes, shards)));
    }
  }
  await using cluster = await startCluster({ size: 3 });
  const three: Servers = { urls: cluster.urls, pids: cluster.servers.map(({ pid }) => pid) };
  for (const shards of [1, 4]) {
    onProgress(`three replicas: 2 processes, ${shards} shards`);
    rows.push(row("three", 2, shards, await measured(three, 3, 2, shards)));
  }
  return table(
    ["replicas", "processes", "shards", "events/s", "client CPU µs", "server CPU µs", "cores for 1 M events/s"],
    rows,
  );
}

function row(replicas: string, processes: number, shards: number, measured: Measured): string[] {
  const { perSecond, clientCpuUs, serverCpuUs } = measured;
  const figures = [perSecond, clientCpuUs, serverCpuUs, clientCpuUs + serverCpuUs].map(shown);
  return [replicas, String(processes), String(shards), ...figures];
}

async function measured(servers: Servers, replicas: number, processes: number, shards: number): Promise<Measured> {
  await using disposables = new AsyncDisposableStack();
  const bucket = `scale-${processes}-${shards}`;
  const workers: Worker<Round, GuardCost>[] = [];
  for (let index = 0; index < processes; index += 1) {
    const setup: GuardSetup = { urls: servers.urls, bucket, shards, replicas, name: String(index) };
    workers.push(disposables.use(startWorker(new URL("guard-worker.ts", import.meta.url), setup)));
    // The first worker creates the bucket.
    if (index === 0) await workers[0]?.ask({ round: "created", events: 1 });
  }
  const events = EVENTS / processes;
  const run = (round: string) => Promise.all(workers.map((worker) => worker.ask({ round, events })));
  await run("warm");
  const rates: number[] = [];
  const costs: number[] = [];
  const serverBefore = await cpuMsOf(servers);
  for (let round = 0; round < ROUNDS; round += 1) {
    const startedAt = performance.now();
    const each = await run(String(round));
    rates.push((EVENTS / (performance.now() - startedAt)) * 1_000);
    costs.push(median(each.map(({ cpuUs }) => cpuUs)));
  }
  const serverCpuUs = (((await cpuMsOf(servers)) - serverBefore) * 1_000) / (ROUNDS * EVENTS);
  return { perSecond: median(rates), clientCpuUs: median(costs), serverCpuUs };
}

async function cpuMsOf({ pids }: Servers): Promise<number> {
  const usages = await Promise.all(pids.map(usageOf));
  return usages.reduce((sum, { cpuMs }) => sum + cpuMs, 0);
}
