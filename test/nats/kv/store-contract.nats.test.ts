import { describe } from "vitest";
import { bucketContract, oneServer } from "./bucket-contract.ts";

describe("natsStore on one server", () => {
  bucketContract(oneServer, [
    { options: { storage: "file" } },
    { options: { storage: "memory", shards: 3 } },
    { options: { storage: "file" }, sends: "batches" },
  ]);
});
