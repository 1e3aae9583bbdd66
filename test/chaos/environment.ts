import { type JetStreamManager, jetstreamManager } from "@nats-io/jetstream";
import { nanos } from "@nats-io/nats-core";
import { connect, type NatsConnection } from "@nats-io/transport-node";
import { natsStore } from "../../src/nats/index.ts";
import { eventually } from "../support/eventually.ts";
import { type NatsCluster, startCluster, startNats } from "../support/nats-server.ts";
import { Proxies } from "./partition.ts";
import type { ConsumerPlan } from "./worker-config.ts";

export const STREAM = "EVENTS";
export const DEAD_SUBJECT = "dead";
const DEAD = "DEAD";

/** Servers with the stream, its consumers and the bucket, all replicated, and the routes between the servers. */
export interface Environment extends AsyncDisposable {
  readonly cluster: NatsCluster;
  /** Routes between the servers, named `<from>-<to>`, counting from 0. */
  readonly routes: Proxies;
  /** The harness's own connection, which no fault cuts. */
  readonly connection: NatsConnection;
  readonly manager: JetStreamManager;
}

export interface EnvironmentOptions {
  /** 3, or 1 if no fault hits a server. */
  readonly servers: 1 | 3;
  readonly bucket: string;
  readonly consumers: readonly ConsumerPlan[];
  readonly ackWaitMs: number;
}

export async function startEnvironment(options: EnvironmentOptions): Promise<Environment> {
  const routes = new Proxies();
  const cluster = await (options.servers === 1 ? single() : replicated(options.servers, routes));
  const connection = await connect({
    servers: [...cluster.urls],
    name: "harness",
    ignoreClusterUpdates: true,
    maxReconnectAttempts: -1,
    reconnectTimeWait: 200,
    pingInterval: 2_000,
  });
  const close = async (): Promise<void> => {
    await connection.close();
    await cluster.stop();
    await routes[Symbol.asyncDispose]();
  };
  try {
    const manager = await eventually("JetStream answers", () => jetstreamManager(connection, { timeout: 5_000 }));
    await makeStreams(connection, manager, options);
    return { cluster, routes, connection, manager, [Symbol.asyncDispose]: close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function makeStreams(
  connection: NatsConnection,
  manager: JetStreamManager,
  { servers, bucket, consumers, ackWaitMs }: EnvironmentOptions,
): Promise<void> {
  await eventually("the streams exist", async () => {
    const subjects = consumers.map(({ subject }) => subject);
    await manager.streams.add({ name: STREAM, subjects, num_replicas: servers });
    await manager.streams.add({ name: DEAD, subjects: [DEAD_SUBJECT], num_replicas: servers });
    return true;
  });
  for (const { durable, subject } of consumers) {
    await eventually("the consumers exist", () =>
      manager.consumers.add(STREAM, {
        durable_name: durable,
        filter_subject: subject,
        ack_policy: "explicit",
        ack_wait: nanos(ackWaitMs),
      }),
    );
  }
  await eventually("the bucket exists", () => natsStore(connection, { bucket, replicas: servers }));
}

/** Number of messages that a consumer has not yet acknowledged. */
export async function unacknowledged(manager: JetStreamManager, durable: string): Promise<number> {
  const { num_pending, num_ack_pending } = await manager.consumers.info(STREAM, durable);
  return num_pending + num_ack_pending;
}

export async function deadLetters(manager: JetStreamManager): Promise<number> {
  return (await manager.streams.info(DEAD)).state.messages;
}

function replicated(size: number, routes: Proxies): Promise<NatsCluster> {
  return startCluster({
    size,
    routeThrough: (port, from, to) => routes.open(port, `${from}-${to}`),
    config: 'lame_duck_duration: "30s"\nlame_duck_grace_period: "1s"',
  });
}

/** One server with a cluster's interface. */
async function single(): Promise<NatsCluster> {
  const server = await startNats();
  return {
    servers: [server],
    urls: [server.url],
    leaderOf: () => Promise.resolve(server),
    ready: () => Promise.resolve(),
    stop: () => server.stop(),
    [Symbol.asyncDispose]: () => server.stop(),
  };
}
