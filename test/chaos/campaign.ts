import { once, setMaxListeners } from "node:events";
import { mkdir, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { between, seeded } from "../../src/cli/demo/scenario/random.ts";
import { parseStoreKey } from "../../src/model/identity.ts";
import { natsStore } from "../../src/nats/index.ts";
import { eventually } from "../support/eventually.ts";
import { endProcess, startScript } from "../support/script-process.ts";
import { defaultEffects, type EffectMix } from "./effect.ts";
import { REQUESTS_FILE } from "./endpoint-request.ts";
import {
  DEAD_SUBJECT,
  deadLetters,
  type Environment,
  STREAM,
  startEnvironment,
  unacknowledged,
} from "./environment.ts";
import { HistoryFile } from "./history-file.ts";
import { type Logs, readLogs } from "./logs.ts";
import { machineMs } from "./machine-clock.ts";
import { Nemesis } from "./nemesis.ts";
import type { PermanentFault } from "./permanent-faults.ts";
import {
  type OperatorFault,
  operatorFaults,
  type Planned,
  type ServerFault,
  serverFaults,
  type WorkerFault,
  workerFaults,
} from "./plan.ts";
import { load, Producer } from "./producer.ts";
import { WorkerPool } from "./worker-pool.ts";

export interface CampaignOptions {
  /** Decides faults, load and effects. Their exact timing depends on the machine. */
  readonly seed: number;
  /** Duration of load and faults, in milliseconds; settling and judging come on top. */
  readonly forMs: number;
  /** Folder for histories and logs. */
  readonly folder: string;
  /** @default 3 */
  readonly servers?: 1 | 3;
  /** @default 3 */
  readonly workers?: number;
  /** @default 25 */
  readonly eventsPerSecond?: number;
  /** `ack_wait` of the consumers, in milliseconds. @default 3_000 */
  readonly ackWaitMs?: number;
  /** Folder of the package that the workers use. @default the one under test */
  readonly root?: string;
  /** @default defaultEffects */
  readonly effects?: EffectMix;
  /** Replaces the faults that the seed decides. */
  readonly serverFaults?: Iterable<Planned<ServerFault>>;
  readonly workerFaults?: Iterable<Planned<WorkerFault>>;
  readonly operatorFaults?: Iterable<Planned<OperatorFault>>;
  /** Lasts from the begin of the load until everything is acknowledged. @default none */
  readonly permanentFault?: PermanentFault;
  readonly onProgress?: (progress: Progress) => void;
}

export interface Progress {
  readonly sinceMs: number;
  readonly published: number;
  readonly unacknowledged: number | undefined;
  readonly faults: ReadonlyMap<string, number>;
}

/** Counts that the harness itself made during a campaign. */
export interface CampaignTotals {
  /** Number of acknowledged publications of each event. */
  readonly published: ReadonlyMap<string, number>;
  readonly faults: ReadonlyMap<string, number>;
  /** Messages that were still unacknowledged after a long time without faults, except a permanent one. */
  readonly unacknowledged: number;
  /** Time from the end of the load until no message was unacknowledged, or their number no longer fell. */
  readonly settledAfterMs: number;
  readonly deadLetters: number;
  /** Number of worker processes. */
  readonly processes: number;
  /** Number of processes that ended although the harness had neither killed nor stopped them. */
  readonly crashes: number;
}

const LEASE_MS = 2_000;
const SKEW_MS = 500;
const WINDOW_MS = 6 * 60 * 60 * 1_000;
/** The store rounds it up to whole seconds. */
const SHORT_WINDOW_MS = 1_500;
const BUCKET = "chaos";
const ONCE = { durable: "once", subject: "chaos.once", windowMs: WINDOW_MS, concurrency: 24 };
const RECURRING = { durable: "recurring", subject: "chaos.recurring", windowMs: SHORT_WINDOW_MS, concurrency: 4 };
const CONSUMERS = [ONCE, RECURRING];
/** Time limit for the number of unacknowledged messages to fall once the faults are over, on a busy machine. */
const FEWER_WITHIN_MS = 240_000;
const PROGRESS_EVERY_MS = 10_000;
/** The process that reads the whole bucket at the end, when nothing writes and the cluster has recovered. */
export const AUDITOR = "auditor";

/** Runs load and faults for a while, lets everything settle, reads the bucket, and returns totals and logs. */
export async function runCampaign(options: CampaignOptions): Promise<{ totals: CampaignTotals; logs: Logs }> {
  const { folder, seed, forMs, servers = 3, workers: size = 3, eventsPerSecond = 25, ackWaitMs = 3_000 } = options;
  const { root = resolve(import.meta.dirname, "../.."), onProgress = () => {} } = options;
  await mkdir(folder, { recursive: true });
  const history = new HistoryFile(join(folder, "harness.ndjson"));
  const recorder = history.recorder("nemesis");
  await using environment = await startEnvironment({ servers, bucket: BUCKET, consumers: CONSUMERS, ackWaitMs });
  const { cluster, connection, manager, routes } = environment;
  await using endpoint = await startEndpoint(folder);
  const config = {
    stream: STREAM,
    consumers: CONSUMERS,
    bucket: BUCKET,
    deadSubject: DEAD_SUBJECT,
    endpoint: endpoint.url,
    seed,
    effects: options.effects ?? defaultEffects,
    leaseMs: LEASE_MS,
    skewMs: SKEW_MS,
    root,
  };
  await using workers = await WorkerPool.start({ size, cluster, config, folder, history });
  const chances = seeded(seed);
  const [loadSeed, serverSeed, workerSeed, operatorSeed] = [1, 2, 3, 4].map(() => between(chances, 0, 2 ** 31));
  const over = new AbortController();
  // Every delayed copy of a publication adds a listener.
  setMaxListeners(0, over.signal);
  const producer = new Producer(connection, over.signal);
  const targets = {
    cluster,
    routes,
    workers,
    connection,
    manager,
    stream: STREAM,
    bucketStream: `KV_${BUCKET}`,
    durable: ONCE.durable,
  };
  const nemesis = new Nemesis(targets, recorder, over.signal);
  const startedMs = machineMs();
  const outstanding = async (): Promise<number> => {
    const counts = await Promise.all(CONSUMERS.map(({ durable }) => unacknowledged(manager, durable)));
    return counts.reduce((sum, count) => sum + count, 0);
  };
  const progressTimer = setInterval(() => {
    const report = (unacknowledged: number | undefined): void =>
      onProgress({
        sinceMs: machineMs() - startedMs,
        published: producer.published.size,
        unacknowledged,
        faults: nemesis.counts,
      });
    outstanding().then(report, () => report(undefined));
  }, PROGRESS_EVERY_MS);
  try {
    await workers.ready();
    const heal = await options.permanentFault?.(targets);
    const timer = setTimeout(() => over.abort(), forMs);
    const faults = [
      nemesis.injectServerFaults(options.serverFaults ?? serverFaults(seeded(Number(serverSeed)), servers)),
      nemesis.injectWorkerFaults(
        options.workerFaults ?? workerFaults(seeded(Number(workerSeed)), size, LEASE_MS + SKEW_MS),
      ),
      nemesis.injectOperatorFaults(options.operatorFaults ?? operatorFaults(seeded(Number(operatorSeed)))),
    ];
    const subjects = { once: ONCE.subject, recurring: RECURRING.subject };
    const publishing = producer.run(load(seeded(Number(loadSeed)), { perSecond: eventsPerSecond, ...subjects }));
    try {
      await Promise.all([publishing, ...faults]);
    } finally {
      clearTimeout(timer);
      over.abort();
      // If one of them failed, the other must not start a worker after the pool is disposed of.
      await Promise.allSettled(faults);
    }
    const overMs = machineMs();
    const left = await settled(outstanding);
    const settledAfterMs = machineMs() - overMs;
    await heal?.();
    await workers.stop();
    if (left === 0) recorder.note({ type: "settled" });
    const totals: CampaignTotals = {
      published: producer.published,
      faults: nemesis.counts,
      unacknowledged: left,
      settledAfterMs,
      deadLetters: await eventually("the dead letters are counted", () => deadLetters(manager)),
      processes: workers.started,
      crashes: workers.crashes,
    };
    history.close();
    await audit(environment, folder);
    return { totals, logs: await readLogs(folder) };
  } finally {
    clearInterval(progressTimer);
    over.abort();
    await keepServerLogs(environment, folder);
  }
}

/** Waits until every message is acknowledged, or their number no longer falls. Returns the number of messages left. */
async function settled(outstanding: () => Promise<number>): Promise<number> {
  let left = Number.POSITIVE_INFINITY;
  const fewer = async (): Promise<number | undefined> => {
    const now = await outstanding();
    if (now < left) return now;
    await pause(200);
    return undefined;
  };
  try {
    while (left > 0) left = await eventually("fewer messages are unacknowledged", fewer, FEWER_WITHIN_MS);
  } catch {
    // The judge reports what is left.
  }
  return left;
}

const CONCURRENT_READS = 64;

/** Reads the last record of every key that was ever written, from the bucket's leader. */
async function audit({ connection }: Environment, folder: string): Promise<void> {
  const { history } = await readLogs(folder);
  const keys = new Set(history.flatMap((line) => (line.type === "invoke" ? [line.key] : [])));
  const store = await eventually("the bucket is opened", () => natsStore(connection, { bucket: BUCKET }));
  const file = new HistoryFile(join(folder, `${AUDITOR}.ndjson`));
  const recorded = file.recorder(AUDITOR).store(store);
  const left = [...keys].map(parseStoreKey);
  const read = async (): Promise<void> => {
    for (let next = left.pop(); next !== undefined; next = left.pop()) {
      const key = next;
      await eventually(`the record of ${key} is read`, () => recorded.get(key).then(() => true));
    }
  };
  await Promise.all(Array.from({ length: CONCURRENT_READS }, read));
  file.close();
}

async function keepServerLogs({ cluster }: Environment, folder: string): Promise<void> {
  for (const server of cluster.servers) await writeFile(join(folder, `${server.name}.log`), await server.log());
}

interface Endpoint extends AsyncDisposable {
  readonly url: string;
}

/** Starts the endpoint that receives the effects, in a process of its own. */
async function startEndpoint(folder: string): Promise<Endpoint> {
  const child = startScript({
    script: fileURLToPath(new URL("endpoint.ts", import.meta.url)),
    args: [join(folder, REQUESTS_FILE)],
    logFile: join(folder, "endpoint.log"),
    channel: "pipe",
  });
  if (child.stdout === null) throw new Error("The endpoint has no standard output");
  const [url]: unknown[] = await Promise.race([once(child.stdout, "data"), once(child, "exit")]);
  if (!Buffer.isBuffer(url)) throw new Error("The endpoint did not start; see endpoint.log");
  return { url: url.toString().trim(), [Symbol.asyncDispose]: () => endProcess(child, "SIGKILL") };
}
