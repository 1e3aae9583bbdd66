import type { NatsCluster } from "../support/nats-server.ts";
import type { HistoryFile } from "./history-file.ts";
import { Proxies } from "./partition.ts";
import { type SharedWorkerConfig, WorkerSlot } from "./worker-slot.ts";

export interface WorkerPoolOptions {
  readonly size: number;
  readonly cluster: Pick<NatsCluster, "servers">;
  readonly config: SharedWorkerConfig;
  /** Folder for the histories and logs of the processes. */
  readonly folder: string;
  /** History that process ends are noted in. */
  readonly history: HistoryFile;
}

/** A fixed number of slots, each with one worker process at a time. */
export class WorkerPool implements AsyncDisposable {
  readonly #slots: readonly WorkerSlot[];

  private constructor(slots: readonly WorkerSlot[]) {
    this.#slots = slots;
  }

  static async start({ size, cluster, config, folder, history }: WorkerPoolOptions): Promise<WorkerPool> {
    const slots = Array.from({ length: size }, async (_, index) => {
      const proxies = new Proxies();
      const ports = await Promise.all(cluster.servers.map(({ port, name }) => proxies.open(port, name)));
      const slot = new WorkerSlot({ number: index + 1, ports, proxies, config, folder, history });
      slot.start();
      return slot;
    });
    return new WorkerPool(await Promise.all(slots));
  }

  /** Number of processes that ended although the harness had neither killed nor stopped them. */
  get crashes(): number {
    return this.#slots.reduce((sum, { crashes }) => sum + crashes, 0);
  }

  /** Number of processes started so far. */
  get started(): number {
    return this.#slots.reduce((sum, { incarnation }) => sum + incarnation, 0);
  }

  slot(index: number): WorkerSlot {
    const slot = this.#slots[index];
    if (slot === undefined) throw new Error(`Expected the number of a worker, got ${index}`);
    return slot;
  }

  /** Waits until every process consumes, which can take long on a busy machine. */
  async ready(): Promise<void> {
    const consuming = await Promise.all(this.#slots.map((slot) => slot.consuming));
    if (!consuming.every(Boolean)) throw new Error("A worker ended before it consumed");
  }

  /** Stops all workers gracefully and waits until they have ended. */
  async stop(): Promise<void> {
    await Promise.all(this.#slots.map((slot) => slot.stop()));
  }

  /** Starts a process in every slot. */
  start(): void {
    for (const slot of this.#slots) slot.start();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#slots.map((slot) => slot[Symbol.asyncDispose]()));
  }
}
