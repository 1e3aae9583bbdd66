import type { NatsConnection } from "@nats-io/nats-core";
import { connect } from "@nats-io/transport-node";
import { afterAll, beforeAll, describe, it } from "vitest";
import { type NatsStoreOptions, natsStore } from "../../../src/nats/index.ts";
import { storeContract } from "../../../src/testing/store-contract/store-contract.ts";
import { batchingStore } from "../../support/nats-sending.ts";
import { startNats } from "../../support/nats-server.ts";

interface Servers {
  readonly urls: readonly string[];
  stop(): Promise<void>;
}

interface BucketUnderTest {
  readonly options: Omit<NatsStoreOptions, "bucket">;
  /** `batches` sends a batch whenever more than one write is queued. */
  readonly sends?: "batches";
}

/** Holds buckets to the contract of a store, all of them on the same servers. */
export function bucketContract(start: () => Promise<Servers>, buckets: readonly BucketUnderTest[]): void {
  let servers: Servers | undefined;
  let connections: readonly NatsConnection[] = [];
  let opened = 0;

  beforeAll(async () => {
    servers = await start();
    connections = await Promise.all(servers.urls.map((url) => connect({ servers: url, ignoreClusterUpdates: true })));
  });
  afterAll(async () => {
    await Promise.all(connections.map((connection) => connection.close()));
    await servers?.stop();
  });

  for (const { options, sends } of buckets) {
    const open = sends === "batches" ? batchingStore : natsStore;
    const how = sends === "batches" ? ", always in batches," : "";
    describe(`F19 with ${JSON.stringify(options)}${how} it keeps the contract of a store`, () => {
      storeContract(it.concurrent, async () => {
        opened += 1;
        const connection = connections[opened % connections.length];
        if (connection === undefined) throw new Error("not connected");
        return open(connection, { bucket: `contract-${opened}`, ...options });
      });
    });
  }
}

/** Starts one server for {@link bucketContract}. */
export async function oneServer(): Promise<Servers> {
  const server = await startNats();
  return { urls: [server.url], stop: () => server.stop() };
}
