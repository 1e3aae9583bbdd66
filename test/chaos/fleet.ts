import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { guardProcess } from "../support/guard-process.ts";
import type { NatsCluster } from "../support/nats-server.ts";
import type { HistoryFile } from "./history-file.ts";
import { Proxies, type Severed } from "./partition.ts";
import type { WorkerConfig } from "./worker-config.ts";

/** What all workers of a fleet have in common. */
export type CrewConfig = Omit<WorkerConfig, "name" | "urls" | "file" | "inBatches">;

const script = fileURLToPath(new URL("worker.ts", import.meta.url));
/** The fault that is noted of a process before it is told to end. */
export const TOLD_TO_END = "told to end";
/** One that ended by itself is replaced, as an orchestrator would. */
const REPLACED_AFTER_MS = 1_000;
/** Far longer than its own limits and the leases of what it runs, and than it takes to start. */
const ENDS_WITHIN_MS = 180_000;

/** A number of worker processes; one that dies is replaced by another with a new name. */
export class Fleet implements AsyncDisposable {
  readonly #places: readonly Place[];

  private constructor(places: readonly Place[]) {
    this.#places = places;
  }

  static async hire(
    size: number,
    cluster: Pick<NatsCluster, "servers">,
    crew: CrewConfig,
    folder: string,
    history: HistoryFile,
  ): Promise<Fleet> {
    const places = Array.from({ length: size }, async (_, index) => {
      const proxies = new Proxies();
      const ports = await Promise.all(cluster.servers.map(({ port, name }) => proxies.open(port, name)));
      const place = new Place(`w${index + 1}`, ports, proxies, crew, folder, history);
      place.start();
      return place;
    });
    return new Fleet(await Promise.all(places));
  }

  /** How many processes ended that nobody had told to. */
  get endedByThemselves(): number {
    return this.#places.reduce((sum, { endedByItself }) => sum + endedByItself, 0);
  }

  /** How many processes there were. */
  get hired(): number {
    return this.#places.reduce((sum, { incarnation }) => sum + incarnation, 0);
  }

  place(index: number): Place {
    const place = this.#places[index];
    if (place === undefined) throw new Error(`There is no worker ${index}`);
    return place;
  }

  /** Waits until the process in each place consumes, which can take long on a machine that has other things to do. */
  async ready(): Promise<void> {
    const are = await Promise.all(this.#places.map(({ consumes }) => consumes));
    if (!are.every(Boolean)) throw new Error("A worker ended before it had begun");
  }

  /** Tells all to end, and waits until they have. */
  async dismiss(): Promise<void> {
    await Promise.all(this.#places.map((place) => place.end()));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#places.map((place) => place[Symbol.asyncDispose]()));
  }
}

/** A place for one worker process at a time. */
export class Place implements AsyncDisposable {
  readonly #name: string;
  readonly #ports: readonly number[];
  readonly #proxies: Proxies;
  readonly #crew: CrewConfig;
  readonly #folder: string;
  readonly #history: HistoryFile;
  #child: ChildProcess | undefined;
  #replacing: NodeJS.Timeout | undefined;
  #isToldToEnd = false;
  /** Whether the process that is here now consumes, as soon as it does or has ended. */
  consumes: Promise<boolean> = Promise.resolve(false);
  incarnation = 0;
  endedByItself = 0;

  constructor(
    name: string,
    ports: readonly number[],
    proxies: Proxies,
    crew: CrewConfig,
    folder: string,
    history: HistoryFile,
  ) {
    this.#name = name;
    this.#ports = ports;
    this.#proxies = proxies;
    this.#crew = crew;
    this.#folder = folder;
    this.#history = history;
  }

  /** The name of the process that is here now. */
  get process(): string {
    return `${this.#name}.${this.incarnation}`;
  }

  start(): void {
    this.incarnation += 1;
    this.#isToldToEnd = false;
    const name = this.process;
    const file = join(this.#folder, `${name}.ndjson`);
    // Each begins with a server of its own.
    const first = (this.incarnation + Number(this.#name.slice(1))) % this.#ports.length;
    const ports = [...this.#ports.slice(first), ...this.#ports.slice(0, first)];
    const urls = ports.map((port) => `nats://127.0.0.1:${port}`);
    const config: WorkerConfig = { ...this.#crew, name, urls, file, inBatches: this.incarnation % 2 === 0 };
    const log = openSync(join(this.#folder, `${name}.log`), "a");
    const child = spawn(process.execPath, ["--import", "tsx", script, JSON.stringify(config)], {
      stdio: ["ignore", log, log, "ipc"],
    });
    closeSync(log);
    if (child.pid === undefined) throw new Error(`${name} could not be started`);
    const guard = guardProcess(child.pid);
    this.#child = child;
    this.consumes = Promise.race([once(child, "message").then(() => true), once(child, "exit").then(() => false)]);
    child.once("exit", () => {
      guard.kill("SIGKILL");
      if (this.#isToldToEnd) return;
      this.#history.recorder(name).note({ type: "died" });
      this.endedByItself += 1;
      this.#replacing = setTimeout(() => this.start(), REPLACED_AFTER_MS);
    });
  }

  async kill(): Promise<void> {
    this.#isToldToEnd = true;
    clearTimeout(this.#replacing);
    this.#history.recorder(this.process).note({ type: "died" });
    await this.#ended("SIGKILL");
  }

  /** Lets it finish what it has begun, within its own limits. */
  async end(): Promise<void> {
    this.#isToldToEnd = true;
    clearTimeout(this.#replacing);
    this.#history.recorder(this.process).note({ type: "fault", fault: TOLD_TO_END });
    await this.#ended("SIGTERM");
  }

  stop(): void {
    this.#child?.kill("SIGSTOP");
  }

  goOn(): void {
    this.#child?.kill("SIGCONT");
  }

  cutOff(how: Severed): void {
    this.#proxies.sever(how, () => true);
  }

  heal(): void {
    this.#proxies.heal();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isToldToEnd = true;
    clearTimeout(this.#replacing);
    await this.#ended("SIGKILL");
    await this.#proxies[Symbol.asyncDispose]();
  }

  async #ended(how: "SIGKILL" | "SIGTERM"): Promise<void> {
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const name = this.process;
    const exit = once(child, "exit");
    child.kill(how);
    const isOver = await Promise.race([exit.then(() => true), pause(ENDS_WITHIN_MS, false, { ref: false })]);
    if (!isOver) throw new Error(`${name} was told to end, and did not within ${ENDS_WITHIN_MS} ms`);
  }
}
