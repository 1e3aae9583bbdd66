import type { NatsConnection } from "@nats-io/nats-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Deduplicator } from "../../../src/deduplicator.ts";
import { RecordUnreadableError, StoreMisconfiguredError } from "../../../src/errors.ts";
import { resolveIdentity } from "../../../src/model/identity.ts";
import type { Entry } from "../../../src/model/store.ts";
import { type NatsStoreOptions, natsStore } from "../../../src/nats/index.ts";
import { shardedStore, shardNames, shardOf, shardsOf } from "../../../src/nats/kv/sharded-store.ts";
import { connected, manager } from "../../support/nats-bucket.ts";
import { type NatsServer, startNats } from "../../support/nats-server.ts";
import { commit, identity, write } from "../../support/store-contract-fixture.ts";

let server: NatsServer;
let connection: NatsConnection;
beforeAll(async () => {
  server = await startNats();
  connection = await connected(server);
});
afterAll(async () => {
  await connection.close();
  await server.stop();
});

async function namesLike(bucket: string): Promise<readonly string[]> {
  const names: string[] = [];
  for await (const name of (await manager(connection)).streams.names()) {
    if (name.startsWith(`KV_${bucket}`)) names.push(name);
  }
  return names.sort();
}

async function complaint(options: NatsStoreOptions): Promise<string> {
  const error: unknown = await natsStore(connection, options).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(StoreMisconfiguredError);
  return String(error);
}

describe("a store with shards", () => {
  it("has a bucket for each, and one bucket without them", async () => {
    expect(shardNames("orders", 1)).toEqual(["orders"]);
    await natsStore(connection, { bucket: "orders", shards: 3 });
    expect(await namesLike("orders")).toEqual(shardNames("orders", 3).map((name) => `KV_${name}`));
    expect(shardNames("orders", 3)).toEqual(["orders-1-of-3", "orders-2-of-3", "orders-3-of-3"]);
    expect(["orders", "orders-3-of-3"].map((name) => shardsOf("orders", name))).toEqual([1, 3]);
    expect(["order", "orders-eu", "orders-eu-1-of-2"].map((name) => shardsOf("orders", name))).not.toContain(2);
  });

  it("has each key in one of them, and about as many in each", async () => {
    const store = await natsStore(connection, { bucket: "even", shards: 4, storage: "memory" });
    const events = Array.from({ length: 1_000 }, (_, index) => identity(`evt-${index}`));
    await Promise.all(events.map((of) => write(store, of.storeKey, commit(of))));
    const jsm = await manager(connection);
    const infos = await Promise.all(shardNames("even", 4).map((name) => jsm.streams.info(`KV_${name}`)));
    const counts = infos.map(({ state }) => state.messages);
    expect(counts.reduce((sum, count) => sum + count)).toBe(events.length);
    for (const count of counts) expect(Math.abs(count - 250)).toBeLessThan(75);
    // What stands in the documentation, and must not change: other replicas look there.
    expect(shardOf(resolveIdentity({ subscriptionId: "sub-1", eventId: "evt-1" }).storeKey, 64)).toBe(0x711410 % 64);
  });

  it("lists what cannot be read after all that can, from all of them", async () => {
    const unreadable = new RecordUnreadableError("no record");
    const listing = (entries: readonly Entry[], error?: Error) => ({
      async *list() {
        yield* entries;
        if (error !== undefined) throw error;
      },
    });
    const store = await natsStore(connection, { bucket: "some" });
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

  it("is refused when it would forget what other buckets hold", async () => {
    await natsStore(connection, { bucket: "grown" });
    expect(await complaint({ bucket: "grown", shards: 2 })).toContain(
      "there are 1 of it: set `formerShards`, or delete them",
    );
    await natsStore(connection, { bucket: "grown", shards: 2, formerShards: 1 });
    await natsStore(connection, { bucket: "grown", shards: 2 });
    expect(await complaint({ bucket: "grown", shards: 3 })).toContain("set `formerShards`");
    expect(await complaint({ bucket: "grown", shards: 3, formerShards: 4 })).toContain("there are not 4 of it");
    await natsStore(connection, { bucket: "grow" });
  });

  it("is refused when fences would fall: the buckets to move to are older than those to move from", async () => {
    await natsStore(connection, { bucket: "back" });
    await natsStore(connection, { bucket: "back", shards: 2, formerShards: 1 });
    expect(await complaint({ bucket: "back", shards: 1, formerShards: 2 })).toContain("fences would fall");
    await (await manager(connection)).streams.delete("KV_back");
    await natsStore(connection, { bucket: "back", shards: 1, formerShards: 2 });
  });

  it.each([
    [{ bucket: "b", shards: 0 }, "Expected `shards` to be a whole number from 1 to 64, got `0` (number)"],
    [{ bucket: "b", shards: 2, formerShards: 65 }, "Expected `formerShards` to be a whole number from 1 to 64"],
    [{ bucket: "b", shards: 2, formerShards: 2 }, "Expected `formerShards` to be another number than `shards`"],
  ])("is refused for %j", async (options, says) => {
    await expect(natsStore(connection, options)).rejects.toThrow(RangeError);
    await expect(natsStore(connection, options)).rejects.toThrow(says);
  });
});

describe("two roll-outs that change the number of shards", () => {
  it("G1 G3 G5 dispatch every event once, forget none, and let fences rise", async () => {
    const bucket = "rolled";
    const old = { bucket, shards: 2 };
    const both = { bucket, shards: 3, formerShards: 2 };
    const next = { bucket, shards: 3 };
    const dispatched = new Map<string, number>();
    const fences: number[] = [];
    let named = 0;
    const rollOut = async (
      settings: readonly NatsStoreOptions[],
      again: readonly string[],
    ): Promise<readonly string[]> => {
      const connections = await Promise.all(settings.map(() => connected(server)));
      const dedups = await Promise.all(
        settings.map(async (options, index) => {
          const to = connections[index] ?? connection;
          return new Deduplicator({ store: await natsStore(to, { ...options, storage: "memory" }) });
        }),
      );
      const fresh = Array.from({ length: 60 }, () => {
        named += 1;
        return `evt-${named}`;
      });
      const guards = [...fresh, ...again].flatMap((eventId) =>
        dedups.map((dedup) =>
          dedup.guard({ subscriptionId: "sub-1", eventId }, async ({ fence }) => {
            dispatched.set(eventId, (dispatched.get(eventId) ?? 0) + 1);
            fences.push(fence);
            await new Promise(setImmediate);
          }),
        ),
      );
      const outcomes = await Promise.all(guards);
      expect(outcomes.filter(({ outcome }) => outcome === "dispatched")).toHaveLength(fresh.length);
      await Promise.all(dedups.map((dedup) => dedup.close()));
      await Promise.all(connections.map((to) => to.close()));
      return fresh;
    };
    const first = await rollOut([old, old], []);
    const mixed = await rollOut([old, both, both], first);
    const all = await rollOut([both, both], [...first, ...mixed]);
    const lastOldFence = Math.max(...fences);
    // A window later, what only the old buckets knew is over.
    const later = await rollOut([both, next, next], all);
    await rollOut([next, next], [...all, ...later]);
    expect([...dispatched.values()].filter((times) => times !== 1)).toEqual([]);
    expect(Math.max(...fences)).toBeGreaterThan(lastOldFence);
  });
});
