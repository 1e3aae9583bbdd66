import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { endProcess, startScript } from "../support/script-process.ts";
import type { HistoryFile } from "./history-file.ts";
import type { Proxies, Severed } from "./partition.ts";
import type { WorkerConfig } from "./worker-config.ts";

/** Configuration that all workers of a pool share. */
export type SharedWorkerConfig = Omit<WorkerConfig, "name" | "urls" | "file" | "inBatches">;

export interface WorkerSlotOptions {
  /** Number of the slot, counting from 1. */
  readonly number: number;
  /** Ports of the proxies that lead to the servers. */
  readonly ports: readonly number[];
  readonly proxies: Proxies;
  readonly config: SharedWorkerConfig;
  readonly folder: string;
  readonly history: HistoryFile;
}

const script = fileURLToPath(new URL("worker.ts", import.meta.url));
/** Fault that is recorded for a process before its SIGTERM. */
export const STOP_REQUESTED = "stop requested";
/** Pause before a crashed process is replaced, as by an orchestrator. */
const REPLACED_AFTER_MS = 1_000;
/** Far longer than a worker's own limits, its leases and its start. */
const ENDS_WITHIN_MS = 180_000;

/** A slot for one worker process at a time. A process that crashes is replaced by one with a new name. */
export class WorkerSlot implements AsyncDisposable {
  readonly #options: WorkerSlotOptions;
  #child: ChildProcess | undefined;
  #replacement: NodeJS.Timeout | undefined;
  #isEndExpected = false;
  /** Resolves with true once the current process consumes, or with false if it ends before. */
  consuming: Promise<boolean> = Promise.resolve(false);
  /** Number of processes that this slot has had. */
  incarnation = 0;
  crashes = 0;

  constructor(options: WorkerSlotOptions) {
    this.#options = options;
  }

  /** Name of the current process. */
  get process(): string {
    return `w${this.#options.number}.${this.incarnation}`;
  }

  start(): void {
    const { number, ports, config: shared, folder, history } = this.#options;
    this.incarnation += 1;
    this.#isEndExpected = false;
    const name = this.process;
    // Each process connects to another server first.
    const first = (this.incarnation + number) % ports.length;
    const urls = [...ports.slice(first), ...ports.slice(0, first)].map((port) => `nats://127.0.0.1:${port}`);
    const config: WorkerConfig = {
      ...shared,
      name,
      urls,
      file: join(folder, `${name}.ndjson`),
      inBatches: this.incarnation % 2 === 0,
    };
    const child = startScript({
      script,
      args: [JSON.stringify(config)],
      logFile: join(folder, `${name}.log`),
      channel: "ipc",
    });
    this.#child = child;
    this.consuming = Promise.race([once(child, "message").then(() => true), once(child, "exit").then(() => false)]);
    child.once("exit", () => {
      if (this.#isEndExpected) return;
      history.recorder(name).note({ type: "died" });
      this.crashes += 1;
      this.#replacement = setTimeout(() => this.start(), REPLACED_AFTER_MS);
    });
  }

  async kill(): Promise<void> {
    this.#expectEnd();
    this.#options.history.recorder(this.process).note({ type: "died" });
    await this.#end("SIGKILL");
  }

  /** Stops the process gracefully: it finishes its running dispatches, within its own limits. */
  async stop(): Promise<void> {
    this.#expectEnd();
    this.#options.history.recorder(this.process).note({ type: "fault", fault: STOP_REQUESTED });
    await this.#end("SIGTERM");
  }

  pause(): void {
    this.#child?.kill("SIGSTOP");
  }

  resume(): void {
    this.#child?.kill("SIGCONT");
  }

  disconnect(how: Severed): void {
    this.#options.proxies.sever(how, () => true);
  }

  reconnect(): void {
    this.#options.proxies.heal();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#expectEnd();
    await this.#end("SIGKILL");
    await this.#options.proxies[Symbol.asyncDispose]();
  }

  #expectEnd(): void {
    this.#isEndExpected = true;
    clearTimeout(this.#replacement);
  }

  async #end(signal: "SIGKILL" | "SIGTERM"): Promise<void> {
    if (this.#child === undefined) return;
    const isOver = await Promise.race([
      endProcess(this.#child, signal).then(() => true),
      pause(ENDS_WITHIN_MS, false, { ref: false }),
    ]);
    if (!isOver) throw new Error(`${this.process} did not end within ${ENDS_WITHIN_MS} ms of its ${signal}`);
  }
}
