import type { NatsConnection } from "@nats-io/nats-core";
import { connect } from "@nats-io/transport-node";

/** Connects to the server of `NATS_URL`, as `NATS_USER` if it is set. */
export async function connectToNats(env: NodeJS.ProcessEnv): Promise<NatsConnection> {
  const { NATS_URL = "127.0.0.1:4222", NATS_USER, NATS_PASSWORD = "" } = env;
  return connect({
    servers: NATS_URL,
    ...(NATS_USER !== undefined && { user: NATS_USER, pass: NATS_PASSWORD }),
    maxReconnectAttempts: -1,
    reconnectTimeWait: 250,
  });
}
