import { connect, type NatsConnection } from "@nats-io/transport-node";
import { afterAll, beforeAll } from "vitest";
import { type DeduplicatorOptions, memoryStore } from "../../src/index.ts";
import { type NatsServer, startNats } from "./nats-server.ts";

/** A server and a connection that the tests of one file share. */
export interface ConsumerServer {
  readonly server: NatsServer;
  readonly connection: NatsConnection;
}

/** Starts a server before the tests of a file, and stops it after them. */
export function useConsumerServer(options: Parameters<typeof startNats>[0] = {}): ConsumerServer {
  let started: ConsumerServer | undefined;
  const get = (): ConsumerServer => {
    if (started === undefined) throw new Error("The server is used before the first test");
    return started;
  };
  beforeAll(async () => {
    const server = await startNats(options);
    started = { server, connection: await connect({ servers: server.url, ...RECONNECTS }) };
  });
  afterAll(async () => {
    await started?.connection.close();
    await started?.server.stop();
  });
  return {
    get server() {
      return get().server;
    },
    get connection() {
      return get().connection;
    },
  };
}

/** Options of a connection that survives a restart of its server. */
export const RECONNECTS = { maxReconnectAttempts: -1, reconnectTimeWait: 50 };

/** Returns deduplicator options with a short lease and a store of their own. */
export function quick(more: Partial<DeduplicatorOptions> = {}): DeduplicatorOptions {
  return { store: memoryStore(), leaseMs: 3_000, skewMs: 0, ...more };
}
