import { jetstream } from "@nats-io/jetstream";
import { headers } from "@nats-io/nats-core";
import { Deduplicator } from "../../src/deduplicator.ts";
import { natsStore } from "../../src/nats/index.ts";
import { type Ran, run } from "../cli/support/fake-io.ts";
import { connected, manager } from "./nats-bucket.ts";
import type { NatsServer } from "./nats-server.ts";

let names = 0;

/** Creates a bucket, replicas that use it, and a command runner for it. */
export async function operatedBucket(server: NatsServer) {
  names += 1;
  const bucket = `operated${names}`;
  const connection = await connected(server);
  const store = await natsStore(connection, { bucket });
  const { first_seq: firstRevision } = (await (await manager(connection)).streams.info(`KV_${bucket}`)).state;
  const replicas: Deduplicator[] = [];
  return {
    bucket,
    connection,
    store,
    firstRevision,

    replica(owner: string, options: { readonly leaseMs?: number; readonly keepResults?: boolean } = {}): Deduplicator {
      const replica = new Deduplicator({ store, owner, ...options });
      replicas.push(replica);
      return replica;
    },

    /** Writes to the bucket without Latchkey. */
    async write(subject: string, payload: string, fields: Readonly<Record<string, string>> = {}): Promise<void> {
      const all = headers();
      for (const [name, value] of Object.entries(fields)) all.set(name, value);
      await jetstream(connection).publish(`$KV.${bucket}.${subject}`, payload, { headers: all });
    },

    run: (command: string, ...argv: readonly string[]): Promise<Ran> =>
      run([command, ...argv, "--bucket", bucket], { env: { NATS_URL: server.url } }),

    async [Symbol.asyncDispose](): Promise<void> {
      await Promise.all(replicas.map((replica) => replica.close({ drainMs: 0 })));
      await connection.close();
    },
  };
}

export type OperatedBucket = Awaited<ReturnType<typeof operatedBucket>>;
