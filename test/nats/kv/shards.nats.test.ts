import { describe, expect, it } from "vitest";
import { RecordUnreadableError, StoreMisconfiguredError } from "../../../src/errors.ts";
import { resolveIdentity } from "../../../src/model/identity.ts";
import type { Entry } from "../../../src/model/store.ts";
import { type NatsStoreOptions, natsStore } from "../../../src/nats/index.ts";
import { type AssignedRole, LIVE, roleOf, roleSettings } from "../../../src/nats/kv/bucket-role.ts";
import { shardedStore, shardNames, shardOf, shardsOf } from "../../../src/nats/kv/sharded-store.ts";
import { collected } from "../../support/collected.ts";
import { manager } from "../../support/nats-bucket.ts";
import { commit, identity, write } from "../../support/store-contract-fixture.ts";
import { useNatsServer } from "../../support/use-nats-server.ts";

const nats = useNatsServer();
let roles = 0;

async function namesLike(bucket: string): Promise<readonly string[]> {
  const names: string[] = [];
  for await (const name of (await manager(nats.connection)).streams.names()) {
    if (name.startsWith(`KV_${bucket}`)) names.push(name);
  }
  return names.sort();
}

async function complaint(options: NatsStoreOptions): Promise<string> {
  const error: unknown = await natsStore(nats.connection, options).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(StoreMisconfiguredError);
  return String(error);
}

describe("a store with shards", () => {
  it("has one bucket per shard, and a bucket of the plain name for one shard", async () => {
    expect(shardNames("orders", 1)).toEqual(["orders"]);
    await natsStore(nats.connection, { bucket: "orders", shards: 3 });
    expect(await namesLike("orders")).toEqual(shardNames("orders", 3).map((name) => `KV_${name}`));
    expect(shardNames("orders", 3)).toEqual(["orders-1-of-3", "orders-2-of-3", "orders-3-of-3"]);
    expect(["orders", "orders-3-of-3"].map((name) => shardsOf("orders", name))).toEqual([1, 3]);
    expect(["order", "orders-eu", "orders-eu-1-of-2"].map((name) => shardsOf("orders", name))).not.toContain(2);
  });

  it("holds each key in one bucket, and about as many keys in each", async () => {
    const store = await natsStore(nats.connection, { bucket: "even", shards: 4, storage: "memory" });
    const events = Array.from({ length: 1_000 }, (_, index) => identity(`evt-${index}`));
    await Promise.all(events.map((of) => write(store, of.storeKey, commit(of))));
    const jsm = await manager(nats.connection);
    const infos = await Promise.all(shardNames("even", 4).map((name) => jsm.streams.info(`KV_${name}`)));
    const counts = infos.map(({ state }) => state.messages);
    expect(counts.reduce((sum, count) => sum + count)).toBe(events.length);
    for (const count of counts) expect(Math.abs(count - 250)).toBeLessThan(75);
    // Documented, and must not change: other replicas read and write there.
    expect(shardOf(resolveIdentity({ subscriptionId: "sub-1", eventId: "evt-1" }).storeKey, 64)).toBe(0x711410 % 64);
  });

  it("lists the readable entries of every bucket before it throws for an unreadable one", async () => {
    const unreadable = new RecordUnreadableError("no record");
    const listing = (entries: readonly Entry[], error?: Error) => ({
      async *list() {
        yield* entries;
        if (error !== undefined) throw error;
      },
    });
    const store = await natsStore(nats.connection, { bucket: "some" });
    const [one, two] = ["one", "two"].map((name, index) => {
      const of = identity(name);
      return { key: of.storeKey, record: commit(of), revision: index + 1 };
    });
    if (one === undefined || two === undefined) throw new Error("unreachable");
    const sharded = shardedStore([
      { ...store, ...listing([one], unreadable) },
      { ...store, ...listing([two]) },
    ]);
    const listed: Entry[] = [];
    const reading = (async () => {
      for await (const entry of sharded.list({})) listed.push(entry);
    })();
    await expect(reading).rejects.toBe(unreadable);
    expect(listed).toEqual([one, two]);
    const failing = shardedStore([{ ...store, ...listing([], new Error("other")) }, store]);
    await expect(failing.list({})[Symbol.asyncIterator]().next()).rejects.toThrow("other");
    expect(() => shardedStore([])).toThrow(RangeError);
  });

  it("lists the failed dispatches of every bucket", async () => {
    const store = await natsStore(nats.connection, { bucket: "some" });
    const failing = (eventId: string) => ({
      async *failures() {
        const ids = { workspaceId: "default", subscriptionId: "sub-1", eventId };
        yield { ...ids, owner: "web-1", attempt: 1, fence: 1, atMs: 0, error: "Error" };
      },
    });
    const sharded = shardedStore([
      { ...store, ...failing("one") },
      { ...store, ...failing("two") },
    ]);
    expect((await collected(sharded.failures({}))).map(({ eventId }) => eventId)).toEqual(["one", "two"]);
  });

  it("is refused if buckets for another number of shards exist", async () => {
    await natsStore(nats.connection, { bucket: "grown" });
    expect(await complaint({ bucket: "grown", shards: 2 })).toContain(
      "buckets for 1 exist: set `shards` to 1, change the number with `latchkey reshard`, or delete them",
    );
    await natsStore(nats.connection, { bucket: "split", shards: 2 });
    expect(await complaint({ bucket: "split", shards: 3 })).toContain("buckets for 2 exist: set `shards` to 2");
    expect(await complaint({ bucket: "split" })).toContain("buckets for 2 exist: set `shards` to 2");
    expect(await namesLike("split")).toEqual(["KV_split-1-of-2", "KV_split-2-of-2"]);
    await natsStore(nats.connection, { bucket: "grow" });
  });

  it("is refused by at least one of two replicas that start at the same time with different numbers", async () => {
    const openings = await Promise.allSettled(
      [1, 2].map((shards) => natsStore(nats.connection, { bucket: "raced", shards, storage: "memory" })),
    );
    const refusals = openings.filter((opening) => opening.status === "rejected");
    expect(refusals).not.toEqual([]);
    for (const { reason } of refusals) expect(reason).toBeInstanceOf(StoreMisconfiguredError);
  });

  it.each<readonly [AssignedRole | string, string]>([
    [{ type: "retired", to: 8 }, "its keys were moved to 8 shards: set `shards` to 8"],
    [{ type: "source", to: 8 }, "`latchkey reshard` is moving its keys to 8 shards: let it finish, or repeat it"],
    [{ type: "target", from: 4, run: "r" }, "has not finished copying keys from 4 shards to it"],
    ["merging 3", "`latchkey_reshard: merging 3`, which this version of Latchkey does not know"],
    ["retired many", "`latchkey_reshard: retired many`, which this version of Latchkey does not know"],
  ])("is refused if one of its buckets has the role %j", async (role, says) => {
    roles += 1;
    const bucket = `closed-${roles}`;
    await natsStore(nats.connection, { bucket, shards: 2 });
    const second = `${bucket}-2-of-2`;
    const jsm = await manager(nats.connection);
    const { config } = await jsm.streams.info(`KV_${second}`);
    const settings =
      typeof role === "string" ? { metadata: { latchkey_reshard: role } } : roleSettings(second, config, role);
    await jsm.streams.update(`KV_${second}`, settings);
    const said = await complaint({ bucket, shards: 2 });
    expect(said).toContain(`Bucket ${second} is closed to replicas: `);
    expect(said).toContain(says);
    const opened = await jsm.streams.update(`KV_${second}`, roleSettings(second, config, LIVE));
    expect(roleOf(opened.config)).toEqual(LIVE);
    await natsStore(nats.connection, { bucket, shards: 2 });
  });

  it("cannot write to a bucket that was closed while it ran", async () => {
    const of = identity("evt-1");
    const store = await natsStore(nats.connection, { bucket: "shut" });
    const revision = await write(store, of.storeKey, commit(of));
    const jsm = await manager(nats.connection);
    const { config } = await jsm.streams.info("KV_shut");
    await jsm.streams.update("KV_shut", roleSettings("shut", config, { type: "source", to: 2 }));
    for (const expected of [0, revision]) {
      const put = store.put(of.storeKey, commit(of), { expected, ttlMs: 60_000 });
      await expect(put).rejects.toMatchObject({ code: "store-unavailable", ambiguous: false });
    }
    expect(await store.get(of.storeKey)).toMatchObject({ revision });
  });

  it.each([
    [{ bucket: "b", shards: 0 }, "Expected `shards` to be a whole number from 1 to 64, got `0` (number)"],
    [{ bucket: "b", shards: 65 }, "Expected `shards` to be a whole number from 1 to 64, got `65` (number)"],
  ])("is refused for %j", async (options, says) => {
    await expect(natsStore(nats.connection, options)).rejects.toThrow(RangeError);
    await expect(natsStore(nats.connection, options)).rejects.toThrow(says);
  });
});
