import { describe } from "vitest";
import { startCluster } from "../../support/nats-server.ts";
import { bucketContract, oneServer } from "./bucket-contract.ts";

describe("natsStore on one server", () => {
  bucketContract(oneServer, [
    { options: { storage: "memory" } },
    { options: { storage: "memory", shards: 3 }, sends: "batches" },
  ]);
});

describe("natsStore on a cluster of three", () => {
  bucketContract(
    () => startCluster({ size: 3 }),
    [{ options: { replicas: 3 } }, { options: { replicas: 3 }, sends: "batches" }],
  );
});
