import { type JetStreamManager, jetstreamManager, type StreamConfig } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/nats-core";
import { type ConnectionOptions, connect } from "@nats-io/transport-node";
import type { NatsServer } from "./nats-server.ts";

/** Opens a connection that closes at the end of its scope. */
export async function connected(to: NatsServer | { readonly url: string }, options: ConnectionOptions = {}) {
  const connection = await connect({ servers: to.url, ignoreClusterUpdates: true, ...options });
  return Object.assign(connection, { [Symbol.asyncDispose]: () => connection.close() });
}

export function manager(connection: NatsConnection): Promise<JetStreamManager> {
  return jetstreamManager(connection, { checkAPI: false });
}

/** Creates the stream of a bucket like `natsStore`, with `changes`. */
export async function makeBucket(
  connection: NatsConnection,
  bucket: string,
  changes: Partial<StreamConfig> = {},
): Promise<StreamConfig> {
  const right = {
    name: `KV_${bucket}`,
    subjects: [`$KV.${bucket}.>`],
    max_msgs_per_subject: 1,
    max_age: 3_600_000_000_000,
    discard: "new",
    allow_msg_ttl: true,
    allow_direct: true,
    deny_delete: true,
  } as const;
  const jsm = await manager(connection);
  return (await jsm.streams.add({ ...right, subjects: [...right.subjects], ...changes })).config;
}
