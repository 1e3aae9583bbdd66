import type { ChildProcess } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { jetstream, jetstreamManager, type StreamConfig } from "@nats-io/jetstream";
import { headers, nanos } from "@nats-io/nats-core";
import { connect, type NatsConnection } from "@nats-io/transport-node";
import { seeded } from "../../../src/cli/demo/scenario/random.ts";
import { natsStore } from "../../../src/nats/index.ts";
import { readCompletely } from "../../../src/nats/kv/bucket-list.ts";
import type { StoredMessage } from "../../../src/nats/kv/stored-message.ts";
import { OWN_API } from "../../../src/nats/wire/bucket-address.ts";
import { schemaSql } from "../../../src/postgres/index.ts";
import { eventually } from "../../support/eventually.ts";
import { startCluster, startNats } from "../../support/nats-server.ts";
import { ask, type PostgresServer, startPostgres } from "../../support/postgres-server.ts";
import { endProcess, isRunning, startScript } from "../../support/script-process.ts";
import { type EffectsWorkerConfig, FAILPOINTS_PER_DISPATCH } from "./effects-worker-config.ts";

export interface EffectsCampaignOptions {
  readonly seed: number;
  readonly events: number;
  /** Approximate number of processes that end by SIGKILL: one half at failpoints, the other at random times. */
  readonly kills: number;
  readonly workers: number;
  readonly servers: 1 | 3;
  readonly onProgress?: (line: string) => void;
}

/** The books after a campaign. Everything was counted by the database or by the harness. */
export interface EffectsBooks {
  readonly events: number;
  /** Rows in the book of effects, and how many different events they belong to. */
  readonly effects: number;
  readonly differentEffects: number;
  /** Sum of the balances; each effect adds one. */
  readonly cents: number;
  readonly markers: number;
  /** Messages that `publishOnce` stored, and how many different events they belong to. */
  readonly receipts: number;
  readonly differentReceipts: number;
  /** Effects beyond the first of each event that a handler without a marker had. */
  readonly plainRepetitions: number;
  readonly kills: number;
  readonly failpoints: Readonly<Record<string, number>>;
  readonly seconds: number;
}

const LEASE_MS = 2_000;
const [STREAM, DURABLE, BUCKET, RECEIPTS] = ["money", "workers", "effects", "receipts"];
const SETTLED_WITHIN_MS = 4 * 60 * 60_000;

/**
 * Moves money and publishes a receipt for every event while workers and servers die, leases lapse, and the bucket is deleted and
 * restored. Returns the books.
 */
export async function runEffectsCampaign(options: EffectsCampaignOptions): Promise<EffectsBooks> {
  const { events, kills, seed, onProgress = () => {} } = options;
  const startedMs = performance.now();
  const folder = newFolder();
  await using postgres = await startPostgres();
  await using nats = await startServers(options.servers);
  const connection = await connect({ servers: [...nats.urls], maxReconnectAttempts: -1 });
  await ask(postgres.url, schemaSql());
  await ask(
    postgres.url,
    `create table book (event text not null, worker text not null); create table plain_book (event text not null);
     create table accounts (id int primary key, cents bigint not null);
     insert into accounts select id, 0 from generate_series(0, 15) id`,
  );
  await eventually("the bucket exists", () => natsStore(connection, { bucket: BUCKET }));
  await publishEvents(connection, events, options.servers);
  await using workers = new Workers(options, folder, {
    nats: nats.urls,
    postgres: postgres.url,
    stream: STREAM,
    durable: DURABLE,
    bucket: BUCKET,
    receipts: RECEIPTS,
    leaseMs: LEASE_MS,
    concurrency: 8,
    // One failpoint in five stalls instead.
    failpointChance: kills / 2 / 0.8 / FAILPOINTS_PER_DISPATCH / events,
  });
  const bucket = new BucketFaults(connection);
  const faults = [
    { at: 0.2, run: () => crash(postgres) },
    { at: 0.3, run: () => bucket.backUp() },
    { at: 0.4, run: () => nats.killLeader() },
    { at: 0.5, run: () => bucket.deleteAll() },
    { at: 0.6, run: () => crash(postgres) },
    { at: 0.7, run: () => bucket.restore() },
    { at: 0.8, run: () => nats.killLeader() },
    // A new bucket starts above every fence, which ends the refusals after the restore.
    { at: 0.85, run: () => bucket.deleteAll() },
  ];
  const done = await progressOf(connection, events);
  for (let progress = 0; progress < 1; progress = await done()) {
    if (performance.now() - startedMs > SETTLED_WITHIN_MS) throw new Error("The events were not handled in time");
    workers.keepRunning();
    workers.killAtRandom((kills / 2) * progress);
    while (faults[0] !== undefined && progress >= faults[0].at) await faults.shift()?.run();
    onProgress(`${Math.round(progress * 100)} % of ${events} events, ${workers.kills} kills`);
    await pause(100);
  }
  const books = { ...(await booksOf(postgres.url)), ...(await receiptsOf(connection)) };
  await connection.close();
  const seconds = Math.round((performance.now() - startedMs) / 1_000);
  return { events, ...books, kills: workers.kills, failpoints: workers.failpoints(), seconds };

  function newFolder(): string {
    const cache = resolve(import.meta.dirname, "../../../.cache/chaos");
    mkdirSync(cache, { recursive: true });
    return mkdtempSync(join(cache, `effects-${seed}-`));
  }
}

/** The NATS servers of a campaign. */
interface Servers extends AsyncDisposable {
  readonly urls: readonly string[];
  /** Kills the server that leads the stream, or the only one, and restarts it. */
  killLeader(): Promise<void>;
}

async function startServers(size: 1 | 3): Promise<Servers> {
  if (size === 1) {
    const server = await startNats();
    return {
      urls: [server.url],
      async killLeader() {
        await server.kill("SIGKILL");
        await server.restart();
      },
      [Symbol.asyncDispose]: () => server.stop(),
    };
  }
  const cluster = await startCluster({ size });
  return {
    urls: cluster.urls,
    async killLeader() {
      const leader = await cluster.leaderOf(STREAM);
      await leader.kill("SIGKILL");
      await leader.restart();
      await cluster.ready();
    },
    [Symbol.asyncDispose]: () => cluster.stop(),
  };
}

async function crash(postgres: PostgresServer): Promise<void> {
  await postgres.stop("crash");
  await postgres.start();
}

/** Returns what the books show beyond one effect for each event; nothing if all is right. */
export function errorsIn(books: EffectsBooks): readonly string[] {
  const { events, effects, differentEffects, cents, markers, receipts, differentReceipts } = books;
  const expected = { effects, differentEffects, cents, markers, receipts, differentReceipts };
  return Object.entries(expected).flatMap(([what, count]) =>
    count === events ? [] : [`${what}: ${count} for ${events} events`],
  );
}

async function booksOf(url: string) {
  const [row] = await ask<Record<string, number>>(
    url,
    `select (select count(*)::int from book) as effects, (select count(distinct event)::int from book) as different,
       (select sum(cents)::int from accounts) as cents, (select count(*)::int from latchkey.effects) as markers,
       (select count(*)::int - count(distinct event)::int from plain_book) as repetitions`,
  );
  const number = (name: string): number => row?.[name] ?? Number.NaN;
  return {
    effects: number("effects"),
    differentEffects: number("different"),
    cents: number("cents"),
    markers: number("markers"),
    plainRepetitions: number("repetitions"),
  };
}

async function receiptsOf(connection: NatsConnection) {
  const client = jetstream(connection);
  const messages = await (await client.consumers.get(RECEIPTS)).fetch({ max_messages: 1_000_000, expires: 5_000 });
  const events: string[] = [];
  for await (const message of messages) {
    events.push(message.string());
    if (message.info.pending === 0) break;
  }
  return { receipts: events.length, differentReceipts: new Set(events).size };
}

async function publishEvents(connection: NatsConnection, events: number, replicas: number): Promise<void> {
  const manager = await jetstreamManager(connection);
  await eventually("the stream exists", () =>
    manager.streams.add({ name: STREAM, subjects: [STREAM], num_replicas: replicas }).then(() => true),
  );
  await manager.streams.add({ name: RECEIPTS, subjects: [`${RECEIPTS}.*`], num_replicas: replicas });
  await manager.consumers.add(STREAM, {
    durable_name: DURABLE,
    ack_policy: "explicit",
    ack_wait: nanos(5_000),
    max_ack_pending: 1_000,
  });
  const client = jetstream(connection);
  for (let from = 0; from < events; from += 200) {
    const batch = Array.from({ length: Math.min(200, events - from) }, (_, at) => `event-${from + at}`);
    await Promise.all(batch.map((event) => client.publish(STREAM, event)));
  }
}

/** Returns a function that reports which part of the events is acknowledged. */
async function progressOf(connection: NatsConnection, events: number): Promise<() => Promise<number>> {
  const manager = await jetstreamManager(connection);
  return async () => {
    const info = await manager.consumers.info(STREAM, DURABLE).catch(() => undefined);
    return info === undefined ? 0 : (events - info.num_pending - info.num_ack_pending) / events;
  };
}

/** Deletes the bucket, replaces it by a backup, whose fences are lower, and deletes it again. */
class BucketFaults {
  readonly #connection: NatsConnection;
  #backup: { readonly config: StreamConfig; readonly messages: readonly StoredMessage[] } | undefined;

  constructor(connection: NatsConnection) {
    this.#connection = connection;
  }

  async backUp(): Promise<void> {
    const manager = await jetstreamManager(this.#connection);
    const { config } = await manager.streams.info(`KV_${BUCKET}`);
    const messages: StoredMessage[] = [];
    const address = { bucket: BUCKET, timeoutMs: 5_000, apiPrefix: OWN_API, revisionOffset: 0 };
    const reader = { connection: this.#connection, jsm: manager };
    for await (const message of readCompletely(reader, address, `$KV.${BUCKET}.>`)) messages.push(message);
    this.#backup = { config, messages };
  }

  async deleteAll(): Promise<void> {
    const manager = await jetstreamManager(this.#connection);
    await manager.streams.delete(`KV_${BUCKET}`);
    await natsStore(this.#connection, { bucket: BUCKET });
  }

  async restore(): Promise<void> {
    if (this.#backup === undefined) throw new Error("There is no backup of the bucket");
    const { config, messages } = this.#backup;
    const manager = await jetstreamManager(this.#connection);
    await manager.streams.delete(`KV_${BUCKET}`);
    await manager.streams.add({ ...config, first_seq: messages[0]?.revision ?? 1 });
    for (const { subject, payload, isTombstone } of messages) {
      if (isTombstone) continue;
      const fields = headers();
      // A worker may already have written the key.
      fields.set("Nats-Expected-Last-Subject-Sequence", "0");
      if (payload.includes('"state":"reserved"')) fields.set("Nats-TTL", "3s");
      await this.#connection.request(subject, payload, { headers: fields, timeout: 5_000 });
    }
  }
}

class Workers {
  readonly #options: EffectsCampaignOptions;
  readonly #base: Omit<EffectsWorkerConfig, "name" | "seed" | "failpointFile">;
  readonly #folder: string;
  readonly #random: () => number;
  readonly #running: { readonly child: ChildProcess; isReady: boolean }[] = [];
  #started = 0;
  #kills = 0;
  #randomKills = 0;

  constructor(
    options: EffectsCampaignOptions,
    folder: string,
    base: Omit<EffectsWorkerConfig, "name" | "seed" | "failpointFile">,
  ) {
    this.#options = options;
    this.#folder = folder;
    this.#base = base;
    this.#random = seeded(options.seed);
  }

  /** Number of processes that ended by SIGKILL. */
  get kills(): number {
    return this.#kills;
  }

  keepRunning(): void {
    for (let at = 0; at < this.#options.workers; at += 1) {
      const worker = this.#running[at];
      if (worker === undefined || !isRunning(worker.child)) this.#running[at] = this.#start();
    }
  }

  /** Kills ready workers until this many were killed. */
  killAtRandom(target: number): void {
    if (this.#randomKills >= Math.floor(target)) return;
    const ready = this.#running.filter(({ child, isReady }) => isReady && isRunning(child));
    const victim = ready[Math.floor(this.#random() * ready.length)];
    if (victim === undefined) return;
    this.#randomKills += 1;
    victim.child.kill("SIGKILL");
  }

  /** Returns how often each failpoint fired. */
  failpoints(): Readonly<Record<string, number>> {
    const counts: Record<string, number> = {};
    const file = this.#failpointFile;
    const lines = existsSync(file) ? readFileSync(file, "utf8").trim().split("\n") : [];
    for (const line of lines.filter((one) => one !== "").toSorted()) counts[line] = (counts[line] ?? 0) + 1;
    return counts;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#running.map(({ child }) => endProcess(child, "SIGKILL")));
  }

  #start(): { readonly child: ChildProcess; isReady: boolean } {
    this.#started += 1;
    const config: EffectsWorkerConfig = {
      ...this.#base,
      name: `worker-${this.#started}`,
      seed: Math.floor(this.#random() * 2 ** 31),
      failpointFile: this.#failpointFile,
    };
    const child = startScript({
      script: fileURLToPath(new URL("effects-worker.ts", import.meta.url)),
      args: [JSON.stringify(config)],
      logFile: join(this.#folder, "workers.log"),
      channel: "ipc",
    });
    const worker = { child, isReady: false };
    child.once("message", () => (worker.isReady = true));
    child.once("exit", (_code, signal) => {
      if (signal === "SIGKILL") this.#kills += 1;
    });
    return worker;
  }

  get #failpointFile(): string {
    return join(this.#folder, "failpoints.txt");
  }
}
