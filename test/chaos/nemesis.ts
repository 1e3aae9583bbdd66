import { setTimeout as pause } from "node:timers/promises";
import type { NatsConnection } from "@nats-io/transport-node";
import type { HistoryRecorder } from "../../src/testing/record/recorder.ts";
import { eventually } from "../support/eventually.ts";
import type { NatsCluster, NatsServer } from "../support/nats-server.ts";
import type { Fleet } from "./fleet.ts";
import type { Proxies } from "./partition.ts";
import type { Planned, ServerFault, WorkerFault } from "./plan.ts";

/** What can be harmed. */
export interface Victims {
  readonly cluster: NatsCluster;
  /** The ways between the servers, named `<from>-<to>`, counting from 0. */
  readonly routes: Proxies;
  readonly fleet: Fleet;
  readonly connection: NatsConnection;
  readonly stream: string;
  readonly bucketStream: string;
  readonly durable: string;
}

/** How long a cluster may take to be whole again, and a server to retire, on a machine that has other things to do. */
const WHOLE_WITHIN_MS = 300_000;

/** Harms the cluster and the workers as planned, heals what it did before it goes on, and keeps count. */
export class Nemesis {
  readonly #victims: Victims;
  readonly #recorder: HistoryRecorder;
  readonly #signal: AbortSignal;
  readonly counts = new Map<string, number>();

  /** Stops at the next quiet moment when `signal` aborts. */
  constructor(victims: Victims, recorder: HistoryRecorder, signal: AbortSignal) {
    this.#victims = victims;
    this.#recorder = recorder;
    this.#signal = signal;
  }

  async harmServers(plan: Iterable<Planned<ServerFault>>): Promise<void> {
    await this.#follow(plan, (fault) => this.#harmServers(fault));
  }

  async harmWorkers(plan: Iterable<Planned<WorkerFault>>): Promise<void> {
    await this.#follow(plan, (fault) => this.#harmWorker(fault));
  }

  async #follow<Fault extends { readonly kind: string }>(
    plan: Iterable<Planned<Fault>>,
    harm: (fault: Fault) => Promise<void>,
  ): Promise<void> {
    for (const { quietMs, fault } of plan) {
      await pause(quietMs, undefined, { signal: this.#signal }).catch(() => {});
      if (this.#signal.aborted) return;
      await harm(fault);
      this.counts.set(fault.kind, (this.counts.get(fault.kind) ?? 0) + 1);
    }
  }

  async #harmServers(fault: ServerFault): Promise<void> {
    const { cluster, routes } = this.#victims;
    switch (fault.kind) {
      case "kill a leader":
        await this.#kill(await this.#leaderOf(fault.of), fault);
        break;
      case "kill a server":
        await this.#kill(this.#server(fault.server), fault);
        break;
      case "stop a leader": {
        const leader = await this.#leaderOf(fault.of);
        this.#note(fault, leader.name);
        await leader.kill("SIGSTOP");
        await pause(fault.forMs);
        await leader.kill("SIGCONT");
        break;
      }
      case "part a leader from the others": {
        const leader = await this.#leaderOf(fault.of);
        const index = String(cluster.servers.indexOf(leader));
        this.#note(fault, leader.name);
        routes.sever(fault.how, (name) => name.split("-").includes(index));
        await pause(fault.forMs);
        routes.heal();
        break;
      }
      case "ask a leader to step down":
        this.#note(fault, fault.of);
        await this.#stepDown(fault.of);
        break;
      case "let a server retire": {
        const server = this.#server(fault.server);
        this.#note(fault, server.name);
        await server.kill("SIGUSR2");
        await eventually("the server to end", () => (server.isRunning ? undefined : true), WHOLE_WITHIN_MS);
        await server.restart();
        break;
      }
      case "kill all servers at once":
        this.#note(fault, "all");
        await Promise.all(cluster.servers.map((server) => server.kill("SIGKILL")));
        await pause(fault.downMs);
        await Promise.all(cluster.servers.map((server) => server.restart()));
        break;
    }
    this.#recorder.note({ type: "fault", fault: `healed: ${fault.kind}` });
    await eventually("the cluster to be whole", () => cluster.ready().then(() => true), WHOLE_WITHIN_MS);
  }

  async #harmWorker(fault: WorkerFault): Promise<void> {
    const place = this.#victims.fleet.place(fault.worker);
    this.#note(fault, place.process);
    switch (fault.kind) {
      case "kill a worker":
        await place.kill();
        await pause(fault.downMs);
        place.start();
        break;
      case "stop a worker":
        place.stop();
        await pause(fault.forMs);
        place.goOn();
        break;
      case "cut a worker off":
        place.cutOff(fault.how);
        await pause(fault.forMs);
        place.heal();
        break;
      case "end a worker":
        await place.end();
        place.start();
        break;
    }
    this.#recorder.note({ type: "fault", fault: `healed: ${fault.kind}` });
  }

  async #kill(server: NatsServer, fault: Extract<ServerFault, { readonly downMs: number }>): Promise<void> {
    this.#note(fault, server.name);
    await server.kill("SIGKILL");
    await pause(fault.downMs);
    await server.restart();
  }

  #note({ kind, ...how }: ServerFault | WorkerFault, target: string): void {
    this.#recorder.note({ type: "fault", fault: `${kind}: ${target} ${JSON.stringify(how)}` });
  }

  #server(index: number): NatsServer {
    const server = this.#victims.cluster.servers[index];
    if (server === undefined) throw new Error(`There is no server ${index}`);
    return server;
  }

  #leaderOf(what: "stream" | "bucket"): Promise<NatsServer> {
    const { cluster, stream, bucketStream } = this.#victims;
    const led = what === "stream" ? stream : bucketStream;
    return eventually(`a leader of ${led}`, () => cluster.leaderOf(led), WHOLE_WITHIN_MS);
  }

  /** That nobody answers, or nobody leads just now, is as good. */
  async #stepDown(what: "stream" | "bucket" | "consumer"): Promise<void> {
    const { connection, stream, bucketStream, durable } = this.#victims;
    const subject = {
      stream: `STREAM.LEADER.STEPDOWN.${stream}`,
      bucket: `STREAM.LEADER.STEPDOWN.${bucketStream}`,
      consumer: `CONSUMER.LEADER.STEPDOWN.${stream}.${durable}`,
    }[what];
    await connection.request(`$JS.API.${subject}`, undefined, { timeout: 2_000 }).catch(() => {});
  }
}
