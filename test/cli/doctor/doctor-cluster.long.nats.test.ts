import { afterAll, beforeAll, expect, it } from "vitest";
import { natsStore } from "../../../src/nats/index.ts";
import { diagnosed } from "../../support/diagnosis.ts";
import { eventually } from "../../support/eventually.ts";
import { connected, makeBucket } from "../../support/nats-bucket.ts";
import { type NatsCluster, startCluster } from "../../support/nats-server.ts";

let cluster: NatsCluster;
beforeAll(async () => {
  cluster = await startCluster({ size: 3 });
});
afterAll(() => cluster.stop());

/** Runs `latchkey doctor` on any running server. */
function diagnosis(bucket: string) {
  const urls = cluster.servers.filter(({ isRunning }) => isRunning).map(({ url }) => url);
  return diagnosed({ url: urls.join(",") }, ["--bucket", bucket]);
}

it("latchkey doctor reports the servers of a bucket, and those that are offline", async () => {
  const [first] = cluster.servers;
  if (first === undefined) throw new Error("The cluster has no server");
  await using connection = await connected(first);
  await natsStore(connection, { bucket: "three" });
  await makeBucket(connection, "one", { max_age: 0, num_replicas: 1 });
  await eventually("all to follow", async () => (await diagnosis("three")).bad.length === 0 || undefined);
  const three = await diagnosis("three");
  expect(three.of("bucket", "num_replicas")).toMatchObject([
    { severity: "ok", evidence: "3 servers store the bucket" },
  ]);
  expect(three.of("bucket", "cluster")).toMatchObject([
    { severity: "ok", evidence: expect.stringMatching(/^n\d leads/) },
  ]);
  expect((await diagnosis("one")).of("bucket", "num_replicas")).toMatchObject([
    { severity: "warning", remedy: "nats stream edit KV_one --replicas=3" },
  ]);

  const leader = await cluster.leaderOf("KV_three");
  const follower = cluster.servers.find((server) => server !== leader && server !== first) ?? first;
  await follower.kill();
  const found = await eventually("it to be missed", async () => {
    const one = await diagnosis("three");
    return one.of("bucket", "cluster").some(({ severity }) => severity === "warning") ? one : undefined;
  });
  expect(found.exitCode).toBe(0);
  expect(found.of("bucket", "cluster")).toMatchObject([
    { evidence: expect.stringMatching(`^${leader.name} leads, but ${follower.name} is (offline|.*behind)`) },
  ]);
});
