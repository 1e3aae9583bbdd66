import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createConnection } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { eventually } from "./eventually.ts";
import { freePorts } from "./free-ports.ts";
import { guardProcess } from "./guard-process.ts";
import { natsBinary } from "./nats-binary.ts";

export interface NatsOptions {
  /** Name of a single server. Leaf nodes of one hub need different names. @default "solo" */
  readonly name?: string;
  /** @default true */
  readonly jetstream?: boolean;
  /** More configuration, in the server's own syntax, at the top level: `authorization { … }`, `system_account: …`. */
  readonly config?: string;
  /** More configuration inside the `jetstream` block: `sync_interval: always`, `max_file_store: 1MB`. */
  readonly jetstreamConfig?: string;
  /** Path of another server binary, for example an older version. */
  readonly binary?: string;
}

/** A nats-server process on its own loopback port. It ends, and its files are removed, no later than the test process. */
export interface NatsServer extends AsyncDisposable {
  readonly name: string;
  readonly url: string;
  readonly port: number;
  readonly pid: number;
  readonly isRunning: boolean;
  /** Sends a signal. Waits for the end of the process only if the signal ends it. */
  kill(signal?: NodeJS.Signals): Promise<void>;
  /** Restarts the server with the same port and files. Stops it first if it runs. */
  restart(): Promise<void>;
  /** Ends the process and removes its files. */
  stop(): Promise<void>;
  /** URL of the monitoring port. */
  readonly monitorUrl: string;
  /** Returns the monitoring port's answer for a path such as `/varz`. */
  monitor(path: string): Promise<unknown>;
  /** Returns the server's log. */
  log(): Promise<string>;
}

export interface NatsCluster extends AsyncDisposable {
  readonly servers: readonly NatsServer[];
  readonly urls: readonly string[];
  /** Returns the leader of a stream. Waits until one is elected. */
  leaderOf(stream: string): Promise<NatsServer>;
  /** Waits until all running servers are current and agree on a metadata leader. */
  ready(): Promise<void>;
  stop(): Promise<void>;
}

/** Maximum wait for a start, a leader or an agreement, in milliseconds. Far longer than any of them takes. */
const WITHIN_MS = 120_000;

export async function startNats(options: NatsOptions = {}): Promise<NatsServer> {
  return retried(async () => {
    const [port, monitorPort] = await freePorts(2);
    const server = new ServerProcess(options.name ?? "solo", Number(port), Number(monitorPort), options);
    await server.restart();
    return server;
  });
}

export interface ClusterOptions extends NatsOptions {
  readonly size: number;
  /** Returns the port of a proxy for the route between two servers, which are numbered from 0. */
  readonly routeThrough?: (port: number, from: number, to: number) => Promise<number>;
}

export async function startCluster(options: ClusterOptions): Promise<NatsCluster> {
  return retried(async () => {
    const { size, routeThrough } = options;
    const ports = await freePorts(size * 3);
    const routePorts = ports.slice(size * 2);
    const starts = Array.from({ length: size }, async (_, index) => {
      const others = routePorts.filter((_, to) => to !== index);
      const routedPorts = await Promise.all(
        others.map(async (port) => routeThrough?.(port, index, routePorts.indexOf(port)) ?? port),
      );
      const routes = routedPorts.map((port) => `nats://127.0.0.1:${port}`).join(", ");
      // Otherwise the servers advertise routes around the proxies to each other and to clients.
      const only = routeThrough === undefined ? "" : ", no_advertise: true, pool_size: -1";
      const cluster = `cluster { name: latchkey, listen: "127.0.0.1:${routePorts[index]}", routes: [${routes}]${only} }`;
      const config = `${options.config ?? ""}\n${cluster}`;
      return new ServerProcess(`n${index + 1}`, Number(ports[index]), Number(ports[size + index]), {
        ...options,
        config,
      });
    });
    const servers = await Promise.all(starts);
    const cluster = new Cluster(servers);
    try {
      await Promise.all(servers.map((server) => server.restart()));
      if (options.jetstream ?? true) await cluster.ready();
    } catch (error) {
      await cluster.stop();
      throw error;
    }
    return cluster;
  });
}

/** Retries a start, because another process may take a free port first. */
async function retried<Value>(start: () => Promise<Value>): Promise<Value> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await start();
    } catch (error) {
      if (attempt === 3) throw error;
    }
  }
}

class ServerProcess implements NatsServer {
  readonly name: string;
  readonly url: string;
  readonly port: number;
  readonly monitorUrl: string;
  readonly #options: NatsOptions;
  #folder: string | undefined;
  #child: ChildProcess | undefined;

  constructor(name: string, port: number, monitorPort: number, options: NatsOptions) {
    this.name = name;
    this.port = port;
    this.url = `nats://127.0.0.1:${port}`;
    this.monitorUrl = `http://127.0.0.1:${monitorPort}`;
    this.#options = options;
  }

  get isRunning(): boolean {
    return this.#child !== undefined && this.#child.exitCode === null && this.#child.signalCode === null;
  }

  get pid(): number {
    if (!this.isRunning || this.#child?.pid === undefined) throw new Error(`nats-server ${this.name} does not run`);
    return this.#child.pid;
  }

  async kill(signal: NodeJS.Signals = "SIGKILL"): Promise<void> {
    const child = this.#child;
    if (child === undefined || !this.isRunning) return;
    const ends = signal === "SIGKILL" || signal === "SIGTERM" || signal === "SIGINT";
    const exit = ends ? once(child, "exit") : undefined;
    child.kill(signal);
    await exit;
  }

  async restart(): Promise<void> {
    await this.kill();
    this.#folder ??= await mkdtemp(join(tmpdir(), "latchkey-nats-"));
    const config = join(this.#folder, "server.conf");
    await writeFile(config, this.#configuration(this.#folder));
    const binary = this.#options.binary ?? (await natsBinary());
    const log = openSync(join(this.#folder, "log"), "a");
    const child = spawn(binary, ["-c", config], { stdio: ["ignore", log, log] });
    closeSync(log);
    this.#child = child;
    await once(child, "spawn");
    const guard = guardProcess(this.pid, this.#folder);
    child.once("exit", () => guard.kill("SIGKILL"));
    try {
      await this.#accepting();
    } catch (cause) {
      const error = new Error(`nats-server ${this.name} did not start: ${await this.log()}`, { cause });
      await this.stop();
      throw error;
    }
  }

  async stop(): Promise<void> {
    await this.kill();
    if (this.#folder !== undefined) await rm(this.#folder, { recursive: true, force: true, maxRetries: 3 });
    this.#folder = undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  async monitor(path: string): Promise<unknown> {
    const response = await fetch(`${this.monitorUrl}${path}`, { signal: AbortSignal.timeout(5_000) });
    return response.json();
  }

  async log(): Promise<string> {
    return this.#folder === undefined ? "" : readFile(join(this.#folder, "log"), "utf8");
  }

  /** Waits until the server accepts clients and has recovered its streams. In a cluster, an election may still run. */
  async #accepting(): Promise<void> {
    const path = (this.#options.jetstream ?? true) ? "/healthz?js-server-only=true" : "/healthz";
    const answer = await eventually(
      `nats-server ${this.name} to be ready`,
      async () => {
        if (!this.isRunning) return "ended" as const;
        await this.monitor(path);
        const socket = createConnection(this.port, "127.0.0.1");
        await once(socket, "data").finally(() => socket.destroy());
        return "ready" as const;
      },
      WITHIN_MS,
    );
    if (answer === "ended") throw new Error("the process ended");
  }

  #configuration(folder: string): string {
    const { jetstream = true, jetstreamConfig = "", config = "" } = this.#options;
    const lines = [
      `server_name: ${this.name}`,
      `listen: "127.0.0.1:${this.port}"`,
      `http: "${this.monitorUrl.slice(7)}"`,
    ];
    if (jetstream) lines.push(`jetstream {\n  store_dir: "${folder}"\n  ${jetstreamConfig}\n}`);
    return [...lines, config, ""].join("\n");
  }
}

class Cluster implements NatsCluster {
  readonly servers: readonly NatsServer[];
  readonly urls: readonly string[];

  constructor(servers: readonly NatsServer[]) {
    this.servers = servers;
    this.urls = servers.map((server) => server.url);
  }

  async leaderOf(stream: string): Promise<NatsServer> {
    return eventually(
      `a leader of ${stream}`,
      async () => {
        for (const server of this.servers.filter(({ isRunning }) => isRunning)) {
          const details: unknown = await server.monitor("/jsz?streams=true").catch(() => undefined);
          const leader = streamsOf(details).find(({ name }) => name === stream)?.leader;
          const found = this.servers.find(({ name, isRunning }) => isRunning && name === leader);
          if (found !== undefined) return found;
        }
        return undefined;
      },
      WITHIN_MS,
    );
  }

  async ready(): Promise<void> {
    await eventually(
      "the cluster to agree on a leader",
      async () => {
        const running = this.servers.filter(({ isRunning }) => isRunning);
        const answers = await Promise.all(running.map((server) => server.monitor("/jsz")));
        const leaders = answers.map((answer) => field(field(answer, "meta_cluster"), "leader"));
        const [leader] = leaders;
        const agreed = typeof leader === "string" && leader !== "" && leaders.every((other) => other === leader);
        const at = running.findIndex(({ name }) => name === leader);
        if (!agreed || at === -1) return undefined;
        // The leader places streams only on peers that it considers online.
        const peers = list(field(field(answers[at], "meta_cluster"), "replicas"));
        const present = peers.filter((peer) => field(peer, "current") === true && field(peer, "offline") !== true);
        const names = new Set(present.map((peer) => field(peer, "name")));
        return running.every(({ name }) => name === leader || names.has(name)) ? true : undefined;
      },
      WITHIN_MS,
    );
    await eventually(
      "every server of the cluster to be current",
      async () => {
        const running = this.servers.filter(({ isRunning }) => isRunning);
        const answers = await Promise.all(running.map((server) => server.monitor("/healthz")));
        return answers.every((answer) => field(answer, "status") === "ok") ? true : undefined;
      },
      WITHIN_MS,
    );
  }

  async stop(): Promise<void> {
    await Promise.all(this.servers.map((server) => server.stop()));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}

function streamsOf(jsz: unknown): ReadonlyArray<{ name: unknown; leader: unknown }> {
  return list(field(jsz, "account_details"))
    .flatMap((account) => list(field(account, "stream_detail")))
    .map((stream) => ({ name: field(stream, "name"), leader: field(field(stream, "cluster"), "leader") }));
}

function field(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? Reflect.get(value, name) : undefined;
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
