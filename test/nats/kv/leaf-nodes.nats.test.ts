import { AckPolicy, jetstream } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/nats-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Deduplicator } from "../../../src/deduplicator.ts";
import { consume, natsStore, type StoreWarning } from "../../../src/nats/index.ts";
import { run } from "../../cli/support/fake-io.ts";
import { collected } from "../../support/collected.ts";
import { eventually } from "../../support/eventually.ts";
import { freePorts } from "../../support/free-ports.ts";
import { connected, manager } from "../../support/nats-bucket.ts";
import { batchingStore } from "../../support/nats-sending.ts";
import { type NatsServer, startNats } from "../../support/nats-server.ts";

let hub: NatsServer;
let leaves: readonly NatsServer[];
let connections: readonly NatsConnection[];
beforeAll(async () => {
  const [port] = await freePorts(1);
  hub = await startNats({
    name: "hub",
    jetstreamConfig: "domain: hub",
    config: `leafnodes { listen: "127.0.0.1:${port}" }`,
  });
  leaves = await Promise.all(
    ["leaf1", "leaf2"].map((name) =>
      startNats({
        name,
        jetstreamConfig: `domain: ${name}`,
        config: `leafnodes { remotes: [{ url: "nats-leaf://127.0.0.1:${port}" }] }`,
      }),
    ),
  );
  connections = await Promise.all(leaves.map((leaf) => connected(leaf)));
  await eventually("the leaf nodes to reach the hub", async () => {
    for (const connection of connections) await connection.request("$JS.hub.API.INFO", "", { timeout: 500 });
    return true;
  });
});
afterAll(async () => {
  await Promise.all(connections.map((connection) => connection.close()));
  await Promise.all([hub, ...leaves].map((server) => server.stop()));
});

describe("two leaf nodes with JetStream of their own", () => {
  it.each([
    ["the hub's domain", { domain: "hub" }, natsStore],
    ["the hub's API prefix", { apiPrefix: "$JS.hub.API" }, natsStore],
    ["batches to the hub's domain", { domain: "hub" }, batchingStore],
  ] as const)("dispatch every event once through %s", async (what, way, open) => {
    const bucket = `shared-${what.length}`;
    const stores = await Promise.all(connections.map((connection) => open(connection, { bucket, ...way })));
    const replicas = stores.map((store, index) => new Deduplicator({ store, owner: `leaf${index + 1}` }));
    let dispatches = 0;
    const events = Array.from({ length: 100 }, (_, index) => `evt-${index}`);
    const outcomes = await Promise.all(
      events.flatMap((eventId) =>
        replicas.map((replica) =>
          replica.guard({ subscriptionId: "s", eventId }, () => {
            dispatches += 1;
          }),
        ),
      ),
    );
    expect(dispatches).toBe(100);
    expect(outcomes.filter(({ outcome }) => outcome === "dispatched")).toHaveLength(100);
    for (const store of stores) expect(await collected(store.list({}))).toHaveLength(100);
    // Clears reach the caches of both replicas through the domain, too.
    expect(await replicas[0]?.clear({ subscriptionId: "s", eventId: "evt-0" })).toBe(1);
    expect(await replicas[1]?.guard({ subscriptionId: "s", eventId: "evt-0" }, () => {})).toMatchObject({
      outcome: "dispatched",
    });
    await using toHub = await connected(hub);
    expect((await (await manager(toHub)).streams.info(`KV_${bucket}`)).state.messages).toBeGreaterThanOrEqual(100);
    await Promise.all(replicas.map((replica) => replica.close()));
  });

  it("watch the bucket of the hub", async () => {
    const [one, other] = await Promise.all(
      connections.map((connection) => natsStore(connection, { bucket: "watched", domain: "hub" })),
    );
    if (one === undefined || other === undefined) throw new Error("unreachable");
    const seen: string[] = [];
    const over = new AbortController();
    const watching = (async () => {
      for await (const change of one.watch({}, over.signal)) seen.push(change.type);
    })();
    const replica = new Deduplicator({ store: other });
    let events = 0;
    await eventually("the watch to see a change", async () => {
      events += 1;
      await replica.guard({ subscriptionId: "s", eventId: `evt-${events}` }, () => {});
      return seen.includes("put") || undefined;
    });
    over.abort();
    await watching;
    await replica.close();
  });

  it("consume a stream of the hub and acknowledge its messages", async () => {
    await using toHub = await connected(hub);
    const jsm = await manager(toHub);
    await jsm.streams.add({ name: "EVENTS", subjects: ["events"] });
    await jsm.consumers.add("EVENTS", { durable_name: "billing", ack_policy: AckPolicy.Explicit });
    for (let index = 0; index < 10; index += 1) {
      await jetstream(toHub).publish("events", JSON.stringify({ index }), { msgID: `m-${index}` });
    }
    const [connection] = connections;
    if (connection === undefined) throw new Error("unreachable");
    const dedup = new Deduplicator({ store: await natsStore(connection, { bucket: "consumed", domain: "hub" }) });
    const consumer = await jetstream(connection, { domain: "hub" }).consumers.get("EVENTS", "billing");
    let dispatches = 0;
    const running = await consume(consumer, {
      dedup,
      dispatch: () => {
        dispatches += 1;
      },
    });
    await eventually("all messages to be acknowledged", async () => {
      const { num_pending, num_ack_pending } = await jsm.consumers.info("EVENTS", "billing");
      return (num_pending === 0 && num_ack_pending === 0) || undefined;
    });
    await running.stop();
    expect(dispatches).toBe(10);
    await dedup.close();
  });

  it("are told apart by the commands of the CLI", async () => {
    const [leaf] = leaves;
    const [connection] = connections;
    if (leaf === undefined || connection === undefined) throw new Error("unreachable");
    const dedup = new Deduplicator({ store: await natsStore(connection, { bucket: "cli", domain: "hub" }) });
    await dedup.guard({ subscriptionId: "s", eventId: "evt-1" }, () => {});
    const latchkey = (command: readonly string[], env: Readonly<Record<string, string>> = {}) =>
      run([...command, "--bucket", "cli"], { env: { NATS_URL: leaf.url, ...env } });
    expect((await latchkey(["list"])).err).toContain("There is no bucket `cli`");
    for (const way of [["--domain", "hub"], ["--api-prefix", "$JS.hub.API"], []]) {
      const listed = await latchkey(["list", "--json", ...way], { NATS_DOMAIN: "hub" });
      expect(listed.out).toContain('"evt-1"');
    }
    expect((await latchkey(["show", "s", "evt-1", "--domain", "hub"])).exitCode).toBe(0);
    const cleared = await latchkey(["clear", "s", "evt-1", "--yes", "--json", "--domain", "hub"]);
    expect(cleared.out).toContain('"cleared":1');
    const doctor = await latchkey(["doctor", "--json", "--domain", "hub"]);
    expect(doctor.out).toContain("domain hub");
    expect(doctor.out).toContain("$JS.hub.API");
    const wrong = await latchkey(["list", "--domain", "hub", "--api-prefix", "$JS.hub.API"]);
    expect(wrong.err).toContain("Expected `apiPrefix` to be absent if `domain` is given");
    await dedup.close();
  });
});

describe("a server with leaf nodes that is not clustered", () => {
  it("stores a new bucket once, and says so", async () => {
    const warnings: StoreWarning[] = [];
    const [leaf] = leaves;
    if (leaf === undefined) throw new Error("unreachable");
    await using to = await connected(leaf);
    expect(to.info?.cluster).toBeDefined();
    await natsStore(to, { bucket: "alone", onWarning: (warning) => warnings.push(warning) });
    const { config } = await (await manager(to)).streams.info("KV_alone");
    expect(config.num_replicas).toBe(1);
    expect(warnings).toEqual([
      { bucket: "alone", warning: "one-replica", message: expect.stringContaining("the server is not clustered") },
    ]);
  });

  it("refuses three replicas with its reason if they were asked for", async () => {
    await using to = await connected(hub);
    await expect(natsStore(to, { bucket: "three", replicas: 3 })).rejects.toMatchObject({
      code: "store-misconfigured",
      message: expect.stringContaining("replicas > 1 not supported in non-clustered mode"),
    });
  });
});
