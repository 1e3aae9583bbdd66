import { type ChildProcess, spawn } from "node:child_process";
import { once, setMaxListeners } from "node:events";
import { closeSync, openSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { between, seeded } from "../../src/cli/demo/random.ts";
import { parseStoreKey } from "../../src/model/identity.ts";
import { eventually } from "../support/eventually.ts";
import { guardProcess } from "../support/guard-process.ts";
import { type EffectMix, usualEffects } from "./effect.ts";
import { type Evidence, readEvidence } from "./evidence.ts";
import { Fleet } from "./fleet.ts";
import { DEAD_SUBJECT, deadLetters, type Grounds, prepareGrounds, STREAM, unacknowledged } from "./grounds.ts";
import { HistoryFile } from "./history-file.ts";
import { machineMs } from "./machine-clock.ts";
import { Nemesis } from "./nemesis.ts";
import { type Planned, type ServerFault, serverFaults, type WorkerFault, workerFaults } from "./plan.ts";
import { load, Producer } from "./producer.ts";

export interface CampaignOptions {
  /** Decides faults, load and effects; when exactly each falls is up to the machine. */
  readonly seed: number;
  /** How long there are load and faults; calming down and judging come on top. */
  readonly forMs: number;
  /** Where histories and logs go. */
  readonly folder: string;
  /** @default 3 */
  readonly servers?: 1 | 3;
  /** @default 3 */
  readonly workers?: number;
  /** @default 25 */
  readonly eventsPerSecond?: number;
  /** The folder of the package that the workers use. @default the one under test */
  readonly root?: string;
  /** @default usualEffects */
  readonly effects?: EffectMix;
  /** In the place of those that the seed decides. */
  readonly serverFaults?: Iterable<Planned<ServerFault>>;
  readonly workerFaults?: Iterable<Planned<WorkerFault>>;
  readonly onProgress?: (progress: Progress) => void;
}

export interface Progress {
  readonly sinceMs: number;
  readonly published: number;
  readonly unacknowledged: number | undefined;
  readonly faults: ReadonlyMap<string, number>;
}

/** What the conductor itself knows at the end. */
export interface Account {
  readonly published: ReadonlyMap<string, number>;
  readonly repeated: number;
  readonly faults: ReadonlyMap<string, number>;
  /** What was never acknowledged, though all was quiet for long. */
  readonly unacknowledged: number;
  readonly deadLetters: number;
  readonly processes: number;
  readonly endedByThemselves: number;
}

const LEASE_MS = 2_000;
const SKEW_MS = 500;
const WINDOW_MS = 6 * 60 * 60 * 1_000;
/** Rounded up by the store to whole seconds. */
const SHORT_WINDOW_MS = 1_500;
const BUCKET = "chaos";
const ONCE = { durable: "once", subject: "chaos.once", windowMs: WINDOW_MS, concurrency: 24 };
const AGAIN = { durable: "again", subject: "chaos.again", windowMs: SHORT_WINDOW_MS, concurrency: 4 };
const CONSUMERS = [ONCE, AGAIN];
/** How long it may take, on a machine that has other things to do, until fewer messages are left when nothing is harmed any more. */
const FEWER_WITHIN_MS = 240_000;
const PROGRESS_EVERY_MS = 10_000;
/** Who reads at the end what the store holds, when nobody writes and the cluster is whole. */
export const AUDITOR = "auditor";

/** Load and faults for a while; then rest, the last look at the store, and all that was written down. */
export async function campaign(options: CampaignOptions): Promise<{ account: Account; evidence: Evidence }> {
  const { folder, seed, forMs, servers = 3, workers = 3, eventsPerSecond = 25 } = options;
  const { root = resolve(import.meta.dirname, "../.."), onProgress = () => {} } = options;
  await mkdir(folder, { recursive: true });
  const history = new HistoryFile(join(folder, "conductor.ndjson"));
  const recorder = history.recorder("nemesis");
  await using grounds = await prepareGrounds({ servers, bucket: BUCKET, consumers: CONSUMERS, ackWaitMs: 3_000 });
  const { cluster, connection, manager, routes } = grounds;
  await using endpoint = await startEndpoint(folder);
  const crew = {
    stream: STREAM,
    consumers: CONSUMERS,
    bucket: BUCKET,
    deadSubject: DEAD_SUBJECT,
    endpoint: endpoint.url,
    seed,
    effects: options.effects ?? usualEffects,
    leaseMs: LEASE_MS,
    skewMs: SKEW_MS,
    root,
  };
  await using fleet = await Fleet.hire(workers, cluster, crew, folder, history);
  const chances = seeded(seed);
  const [loadSeed, serverSeed, workerSeed] = [1, 2, 3].map(() => between(chances, 0, 2 ** 31));
  const time = new AbortController();
  // Every copy that waits for its turn listens to it.
  setMaxListeners(0, time.signal);
  const producer = new Producer(connection, time.signal);
  const victims = {
    cluster,
    routes,
    fleet,
    connection,
    stream: STREAM,
    bucketStream: `KV_${BUCKET}`,
    durable: ONCE.durable,
  };
  const nemesis = new Nemesis(victims, recorder, time.signal);
  const startedMs = machineMs();
  const outstanding = async (): Promise<number> => {
    const counts = await Promise.all(CONSUMERS.map(({ durable }) => unacknowledged(manager, durable)));
    return counts.reduce((sum, count) => sum + count, 0);
  };
  const showing = setInterval(() => {
    const show = (unacknowledged: number | undefined): void =>
      onProgress({
        sinceMs: machineMs() - startedMs,
        published: producer.published.size,
        unacknowledged,
        faults: nemesis.counts,
      });
    outstanding().then(show, () => show(undefined));
  }, PROGRESS_EVERY_MS);
  try {
    await fleet.ready();
    const timer = setTimeout(() => time.abort(), forMs);
    const harm = [
      nemesis.harmServers(options.serverFaults ?? serverFaults(seeded(Number(serverSeed)), servers)),
      nemesis.harmWorkers(
        options.workerFaults ?? workerFaults(seeded(Number(workerSeed)), workers, LEASE_MS + SKEW_MS),
      ),
    ];
    const publishing = producer.run(
      load(seeded(Number(loadSeed)), { perSecond: eventsPerSecond, once: ONCE.subject, again: AGAIN.subject }),
    );
    try {
      await Promise.all([publishing, ...harm]);
    } finally {
      clearTimeout(timer);
      time.abort();
      // Should one of them fail, the other must not start a worker that nobody would end.
      await Promise.allSettled(harm);
    }
    const left = await atRest(outstanding);
    await fleet.dismiss();
    if (left === 0) recorder.note({ type: "settled" });
    const account: Account = {
      published: producer.published,
      repeated: producer.repeated,
      faults: nemesis.counts,
      unacknowledged: left,
      deadLetters: await eventually("the dead letters to be counted", () => deadLetters(manager)),
      processes: fleet.hired,
      endedByThemselves: fleet.endedByThemselves,
    };
    history.close();
    await audit(grounds, folder);
    return { account, evidence: await readEvidence(folder) };
  } finally {
    clearInterval(showing);
    time.abort();
    await keepLogs(grounds, folder);
  }
}

/** Waits until no message is left to be acknowledged, as long as they become fewer. @returns how many are left, all the same. */
async function atRest(outstanding: () => Promise<number>): Promise<number> {
  let left = Number.POSITIVE_INFINITY;
  const fewer = async (): Promise<number | undefined> => {
    const now = await outstanding();
    if (now < left) return now;
    await pause(200);
    return undefined;
  };
  try {
    while (left > 0) left = await eventually("fewer messages to be left", fewer, FEWER_WITHIN_MS);
  } catch {
    // What is left is judged.
  }
  return left;
}

const READ_AT_ONCE = 64;

/** Reads what each key that was ever written holds now, from the bucket's leader. */
async function audit({ store }: Grounds, folder: string): Promise<void> {
  const { history } = await readEvidence(folder);
  const keys = new Set(history.flatMap((line) => (line.type === "invoke" ? [line.key] : [])));
  const file = new HistoryFile(join(folder, `${AUDITOR}.ndjson`));
  const recorded = file.recorder(AUDITOR).store(store);
  const left = [...keys].map(parseStoreKey);
  const read = async (): Promise<void> => {
    for (let key = left.pop(); key !== undefined; key = left.pop()) {
      const at = key;
      await eventually(`what ${at} holds`, () => recorded.get(at).then(() => true));
    }
  };
  await Promise.all(Array.from({ length: READ_AT_ONCE }, read));
  file.close();
}

async function keepLogs({ cluster }: Grounds, folder: string): Promise<void> {
  for (const server of cluster.servers) await writeFile(join(folder, `${server.name}.log`), await server.log());
}

interface Endpoint extends AsyncDisposable {
  readonly url: string;
}

/** The receiving side, as a process of its own. */
async function startEndpoint(folder: string): Promise<Endpoint> {
  const script = fileURLToPath(new URL("endpoint.ts", import.meta.url));
  const log = openSync(join(folder, "endpoint.log"), "a");
  const books = join(folder, "books.txt");
  const child = spawn(process.execPath, ["--import", "tsx", script, books], { stdio: ["pipe", "pipe", log] });
  closeSync(log);
  if (child.pid === undefined || child.stdout === null) throw new Error("The endpoint could not be started");
  const guard = guardProcess(child.pid);
  child.once("exit", () => guard.kill("SIGKILL"));
  const [url]: unknown[] = await Promise.race([once(child.stdout, "data"), once(child, "exit")]);
  if (!Buffer.isBuffer(url)) throw new Error("The endpoint did not start");
  return { url: url.toString().trim(), [Symbol.asyncDispose]: () => ended(child) };
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, "exit");
  child.kill("SIGKILL");
  await exit;
}
