import { type ConnectionOptions, connect, type NatsConnection } from "@nats-io/transport-node";
import { afterAll, beforeAll } from "vitest";
import { type NatsOptions, type NatsServer, startNats } from "./nats-server.ts";

/** A server and a connection that the tests of one file share. Neither exists before the first test. */
export interface SharedNatsServer {
  readonly server: NatsServer;
  readonly connection: NatsConnection;
}

/** Options of a connection that survives a restart of its server. */
export const RECONNECTS = { maxReconnectAttempts: -1, reconnectTimeWait: 50 };

/**
 * Starts a server before the tests of a file, and stops it after them.
 * @param login options of the shared connection, for a server with users.
 */
export function useNatsServer(options: NatsOptions = {}, login: ConnectionOptions = {}): SharedNatsServer {
  let server: NatsServer | undefined;
  let connection: NatsConnection | undefined;
  const started = <Part>(part: Part | undefined): Part => {
    if (part === undefined) throw new Error("The server is used before the first test");
    return part;
  };
  beforeAll(async () => {
    server = await startNats(options);
    connection = await connect({ servers: server.url, ...RECONNECTS, ...login });
  });
  afterAll(async () => {
    await connection?.close();
    await server?.stop();
  });
  return {
    get server() {
      return started(server);
    },
    get connection() {
      return started(connection);
    },
  };
}
