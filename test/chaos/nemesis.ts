import { setTimeout as pause } from "node:timers/promises";
import type { HistoryRecorder } from "../../src/testing/record/history-recorder.ts";
import { eventually } from "../support/eventually.ts";
import type { NatsCluster, NatsServer } from "../support/nats-server.ts";
import { type Operated, operate, restoreBucket } from "./operator.ts";
import type { Proxies } from "./partition.ts";
import type { ledGroups, OperatorFault, Planned, ServerFault, WorkerFault } from "./plan.ts";
import { revisionsRaisedBy } from "./raised-fences.ts";
import type { WorkerPool } from "./worker-pool.ts";

/** Everything that faults can hit. */
export interface Targets extends Operated {
  readonly cluster: NatsCluster;
  /** Routes between the servers, named `<from>-<to>`, counting from 0. */
  readonly routes: Proxies;
  readonly workers: WorkerPool;
}

/** Time limit for a cluster to recover, and for a server to retire, on a busy machine. */
const RECOVERS_WITHIN_MS = 300_000;

/** Injects the planned faults into the cluster and the workers. It heals each fault before the next, and counts them. */
export class Nemesis {
  readonly #targets: Targets;
  readonly #recorder: HistoryRecorder;
  readonly #signal: AbortSignal;
  readonly counts = new Map<string, number>();
  readonly #inFlight = new Set<Promise<void>>();
  /** A restore that runs alone. Other faults wait for it. */
  #restoring: Promise<void> | undefined;

  /** Injects no fault after `signal` aborts. */
  constructor(targets: Targets, recorder: HistoryRecorder, signal: AbortSignal) {
    this.#targets = targets;
    this.#recorder = recorder;
    this.#signal = signal;
  }

  async injectServerFaults(plan: Iterable<Planned<ServerFault>>): Promise<void> {
    await this.#follow(plan, (fault) => this.#injectServerFault(fault));
  }

  async injectWorkerFaults(plan: Iterable<Planned<WorkerFault>>): Promise<void> {
    await this.#follow(plan, (fault) => this.#injectWorkerFault(fault));
  }

  async injectOperatorFaults(plan: Iterable<Planned<OperatorFault>>): Promise<void> {
    await this.#follow(plan, (fault) => this.#injectOperatorFault(fault));
  }

  async #follow<Fault extends { readonly kind: string }>(
    plan: Iterable<Planned<Fault>>,
    inject: (fault: Fault) => Promise<void>,
  ): Promise<void> {
    for (const { quietMs, fault } of plan) {
      await pause(quietMs, undefined, { signal: this.#signal }).catch(() => {});
      while (this.#restoring !== undefined) await this.#restoring;
      if (this.#signal.aborted) return;
      const injected = inject(fault);
      this.#inFlight.add(injected);
      await injected.finally(() => this.#inFlight.delete(injected));
      this.counts.set(fault.kind, (this.counts.get(fault.kind) ?? 0) + 1);
    }
  }

  async #injectServerFault(fault: ServerFault): Promise<void> {
    const { cluster, routes } = this.#targets;
    switch (fault.kind) {
      case "kill a leader":
        await this.#kill(await this.#leaderOf(fault.of), fault);
        break;
      case "kill a server":
        await this.#kill(this.#server(fault.server), fault);
        break;
      case "pause a leader": {
        const leader = await this.#leaderOf(fault.of);
        this.#note(fault, leader.name);
        await leader.kill("SIGSTOP");
        await pause(fault.forMs);
        await leader.kill("SIGCONT");
        break;
      }
      case "partition a leader": {
        const leader = await this.#leaderOf(fault.of);
        const index = String(cluster.servers.indexOf(leader));
        this.#note(fault, leader.name);
        routes.sever(fault.how, (name) => name.split("-").includes(index));
        await pause(fault.forMs);
        routes.heal();
        break;
      }
      case "make a leader step down":
        this.#note(fault, fault.of);
        await this.#stepDown(fault.of);
        break;
      case "retire a server": {
        const server = this.#server(fault.server);
        this.#note(fault, server.name);
        await server.kill("SIGUSR2");
        await eventually("the server has ended", () => (server.isRunning ? undefined : true), RECOVERS_WITHIN_MS);
        await server.restart();
        break;
      }
      case "kill all servers":
        this.#note(fault, "all");
        await Promise.all(cluster.servers.map((server) => server.kill("SIGKILL")));
        await pause(fault.downMs);
        await Promise.all(cluster.servers.map((server) => server.restart()));
        break;
    }
    this.#recorder.note({ type: "fault", fault: `healed: ${fault.kind}` });
    await eventually("the cluster has recovered", () => cluster.ready().then(() => true), RECOVERS_WITHIN_MS);
  }

  async #injectWorkerFault(fault: WorkerFault): Promise<void> {
    const worker = this.#targets.workers.slot(fault.worker);
    this.#note(fault, worker.process);
    switch (fault.kind) {
      case "kill a worker":
        await worker.kill();
        await pause(fault.downMs);
        worker.start();
        break;
      case "pause a worker":
        worker.pause();
        await pause(fault.forMs);
        worker.resume();
        break;
      case "disconnect a worker":
        worker.disconnect(fault.how);
        await pause(fault.forMs);
        worker.reconnect();
        break;
      case "stop a worker":
        await worker.stop();
        worker.start();
        break;
    }
    this.#recorder.note({ type: "fault", fault: `healed: ${fault.kind}` });
  }

  async #injectOperatorFault(fault: OperatorFault): Promise<void> {
    this.#note(fault, this.#targets.bucketStream);
    if (fault.kind === "restore the bucket from a backup") {
      const others = [...this.#inFlight];
      this.#restoring = Promise.allSettled(others).then(() => this.#restore());
      await this.#restoring.finally(() => {
        this.#restoring = undefined;
      });
    } else await operate(this.#targets, fault);
    this.#recorder.note({ type: "fault", fault: `healed: ${fault.kind}` });
  }

  /** All workers stop before the backup: what they write after it would be lost. */
  async #restore(): Promise<void> {
    const { cluster, workers } = this.#targets;
    await eventually("the cluster has recovered", () => cluster.ready().then(() => true), RECOVERS_WITHIN_MS);
    await workers.stop();
    const offset = await restoreBucket(this.#targets);
    this.#recorder.note({ type: "fault", fault: revisionsRaisedBy(offset) });
    workers.start();
  }

  async #kill(server: NatsServer, fault: Extract<ServerFault, { readonly downMs: number }>): Promise<void> {
    this.#note(fault, server.name);
    await server.kill("SIGKILL");
    await pause(fault.downMs);
    await server.restart();
  }

  #note({ kind, ...how }: ServerFault | WorkerFault | OperatorFault, target: string): void {
    this.#recorder.note({ type: "fault", fault: `${kind}: ${target} ${JSON.stringify(how)}` });
  }

  #server(index: number): NatsServer {
    const server = this.#targets.cluster.servers[index];
    if (server === undefined) throw new Error(`Expected the number of a server, got ${index}`);
    return server;
  }

  #leaderOf(what: "stream" | "bucket"): Promise<NatsServer> {
    const { cluster, stream, bucketStream } = this.#targets;
    const name = what === "stream" ? stream : bucketStream;
    return eventually(`${name} has a leader`, () => cluster.leaderOf(name), RECOVERS_WITHIN_MS);
  }

  /** A request without an answer, or a group without a leader, is fine too. */
  async #stepDown(what: (typeof ledGroups)[number]): Promise<void> {
    const { connection, stream, bucketStream, durable } = this.#targets;
    const subject = {
      stream: `STREAM.LEADER.STEPDOWN.${stream}`,
      bucket: `STREAM.LEADER.STEPDOWN.${bucketStream}`,
      consumer: `CONSUMER.LEADER.STEPDOWN.${stream}.${durable}`,
    }[what];
    await connection.request(`$JS.API.${subject}`, undefined, { timeout: 2_000 }).catch(() => {});
  }
}
