import type { NatsConnection } from "@nats-io/nats-core";
import { connect } from "@nats-io/transport-node";
import { afterAll, beforeAll, describe, it } from "vitest";
import { type NatsStoreOptions, natsStore } from "../../../src/nats/index.ts";
import { storeContract } from "../../../src/testing/store-contract/store-contract.ts";
import { batchingStore } from "../../support/nats-sending.ts";
import { startCluster, startNats } from "../../support/nats-server.ts";

describe("natsStore on one server", () => {
  const start = async () => {
    const server = await startNats();
    return { servers: [server.url], stop: () => server.stop() };
  };
  contract({ storage: "file" }, start);
  contract({ storage: "memory" }, start);
  contract({ storage: "memory", shards: 3 }, start);
  describe("that always sends batches", () => {
    contract({ storage: "file" }, start, batchingStore);
    contract({ storage: "memory", shards: 3 }, start, batchingStore);
  });
});

describe("natsStore on a cluster of three", () => {
  const start = async () => {
    const cluster = await startCluster({ size: 3 });
    return { servers: [...cluster.urls], stop: () => cluster.stop() };
  };
  contract({ replicas: 3 }, start);
  describe("that always sends batches", () => contract({ replicas: 3 }, start, batchingStore));
});

function contract(
  options: Omit<NatsStoreOptions, "bucket">,
  start: () => Promise<{ readonly servers: string[]; readonly stop: () => Promise<void> }>,
  open = natsStore,
): void {
  describe(`F19 with ${JSON.stringify(options)} it keeps the contract of a store`, () => {
    let connections: readonly NatsConnection[] = [];
    let stop = async (): Promise<void> => {};
    let buckets = 0;

    beforeAll(async () => {
      const started = await start();
      stop = started.stop;
      connections = await Promise.all(
        started.servers.map((url) => connect({ servers: url, ignoreClusterUpdates: true })),
      );
    });
    afterAll(async () => {
      await Promise.all(connections.map((connection) => connection.close()));
      await stop();
    });

    storeContract(it.concurrent, async () => {
      buckets += 1;
      const bucket = `contract-${buckets}`;
      const connection = connections[buckets % connections.length];
      if (connection === undefined) throw new Error("not connected");
      return open(connection, { bucket, ...options });
    });
  });
}
