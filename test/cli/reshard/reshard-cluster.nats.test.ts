import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Deduplicator } from "../../../src/deduplicator.ts";
import { natsStore } from "../../../src/nats/index.ts";
import { connected, manager } from "../../support/nats-bucket.ts";
import { type NatsCluster, startCluster } from "../../support/nats-server.ts";
import { run } from "../support/fake-io.ts";

let cluster: NatsCluster;
beforeAll(async () => {
  cluster = await startCluster({ size: 3 });
});
afterAll(() => cluster.stop());

describe("latchkey reshard on a cluster", () => {
  it("G3 G5 moves every key of replicated buckets through any server", async () => {
    const [first, second, third] = cluster.servers;
    if (first === undefined || second === undefined || third === undefined) throw new Error("unreachable");
    await using connection = await connected(first);
    const ids = Array.from({ length: 200 }, (_, index) => `evt-${index}`);
    const guardAll = async (dedup: Deduplicator) =>
      Promise.all(ids.map((eventId) => dedup.guard({ subscriptionId: "sub-1", eventId }, ({ fence }) => fence)));
    const bucket = "moved";
    const before = await guardAll(new Deduplicator({ store: await natsStore(connection, { bucket, shards: 2 }) }));
    const fences = before.map((outcome) => (outcome.outcome === "dispatched" ? outcome.value : 0));
    // Each run uses another server, so reads are answered by different replicas.
    const there = await run(["reshard", "--bucket", bucket, "--to", "3", "--json"], { env: { NATS_URL: second.url } });
    expect(there).toMatchObject({ exitCode: 0, err: "" });
    expect(there.objects()).toMatchObject([{ end: "done", from: 2, to: 3, keys: 200 }]);
    const back = await run(["reshard", "--bucket", bucket, "--to", "1", "--json"], { env: { NATS_URL: third.url } });
    expect(back.objects()).toMatchObject([{ end: "done", from: 3, to: 1, keys: 200 }]);
    const store = await natsStore(connection, { bucket, shards: 1 });
    const after = new Deduplicator({ store });
    expect(new Set((await guardAll(after)).map(({ outcome }) => outcome))).toEqual(new Set(["duplicate"]));
    const fresh = await after.reserve({ subscriptionId: "sub-1", eventId: "fresh" });
    if (fresh.decision !== "unseen") throw new Error("A new event is not unseen");
    expect(fresh.fence).toBeGreaterThan(Math.max(...fences));
    await fresh.release();
    const info = await (await manager(connection)).streams.info(`KV_${bucket}`);
    expect(info.config.num_replicas).toBe(3);
    await expect(natsStore(connection, { bucket, shards: 2 })).rejects.toThrow("its keys were moved to 3 shards");
  });
});
