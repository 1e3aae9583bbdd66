import type { StreamConfig } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/nats-core";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { hasCode, StoreUnavailableError } from "../../../src/errors.ts";
import { encodeRecord } from "../../../src/model/record.ts";
import type { Revision } from "../../../src/model/store.ts";
import { type NatsStore, type NatsStoreOptions, natsStore } from "../../../src/nats/index.ts";
import { withRaisedFences } from "../../../src/nats/kv/revision-offset.ts";
import { subjectOf } from "../../../src/nats/wire/subject.ts";
import { eventually } from "../../support/eventually.ts";
import { backUp, restore } from "../../support/nats-backup.ts";
import { connected, manager } from "../../support/nats-bucket.ts";
import { batchingStore } from "../../support/nats-sending.ts";
import { type NatsCluster, startCluster } from "../../support/nats-server.ts";
import { commit, identity, LONG_MS, reservation, write } from "../../support/store-contract-fixture.ts";

let cluster: NatsCluster;
beforeAll(async () => {
  cluster = await startCluster({ size: 3 });
});
afterAll(() => cluster.stop());

const of = identity("evt-1");
const { storeKey: key } = of;

/** Opens one store per server, each over a connection that stays with its server. */
async function stores(
  bucket: string,
  open: (connection: NatsConnection, options: NatsStoreOptions) => Promise<NatsStore> = natsStore,
): Promise<readonly (readonly [NatsStore, NatsConnection])[]> {
  const all = await Promise.all(
    cluster.servers.map(async (server) => {
      const to = await connected(server, { maxReconnectAttempts: -1, reconnectTimeWait: 50 });
      // The cluster may still be recovering from the previous test.
      const store = await eventually("the bucket to be open", () => open(to, { bucket, timeoutMs: 1_000 }));
      return [store, to] as const;
    }),
  );
  return all;
}

describe("natsStore on a cluster", () => {
  it("creates a bucket with three replicas", async () => {
    const [first] = cluster.servers;
    if (first === undefined) throw new Error("no server");
    await using to = await connected(first);
    await eventually("the bucket to be made", () => natsStore(to, { bucket: "three" }));
    await natsStore(to, { bucket: "three", replicas: 3 });
  });

  it("creates a bucket after the cluster had no suitable peers at first, as while it starts", async () => {
    const [first] = cluster.servers;
    if (first === undefined) throw new Error("no server");
    await using to = await connected(first);
    const request = to.request.bind(to);
    const answers: string[] = [];
    vi.spyOn(to, "request").mockImplementation(async (subject, payload, options) => {
      if (!subject.includes(".STREAM.CREATE.")) return request(subject, payload, options);
      const isRefused = answers.length < 2;
      // The server itself refuses a placement that does not exist, with code 10005.
      const asked: StreamConfig = JSON.parse(typeof payload === "string" ? payload : new TextDecoder().decode(payload));
      const config = isRefused ? { ...asked, placement: { cluster: "elsewhere", tags: [] } } : asked;
      const answer = await request(subject, JSON.stringify(config), options);
      answers.push(answer.string());
      return answer;
    });
    await natsStore(to, { bucket: "patient" });
    expect(answers).toEqual([
      expect.stringContaining('"err_code":10005'),
      expect.stringContaining('"err_code":10005'),
      expect.stringContaining('"did_create":true'),
    ]);
  });

  it("creates each bucket once for replicas that start at the same time", async () => {
    const everyone = [...cluster.servers, ...cluster.servers];
    const connections = await Promise.all(everyone.map((server) => connected(server)));
    for (const bucket of ["rush-a", "rush-b", "rush-c"]) {
      await Promise.all(connections.map((to) => natsStore(to, { bucket, shards: 4 })));
    }
    await Promise.all(connections.map((to) => to.close()));
  });

  it("G9 reports a write without a majority as ambiguous, refuses others to its key, and stores it in the end", async () => {
    const all = await stores("quorum");
    const leader = await cluster.leaderOf("KV_quorum");
    const store = all[cluster.servers.indexOf(leader)]?.[0];
    if (store === undefined) throw new Error("no store");
    let first = await write(store, key, reservation(of));
    const followers = cluster.servers.filter((server) => server !== leader);
    for (const follower of followers) await follower.kill("SIGSTOP");
    const record = commit(of, { token: "mine" });
    try {
      const unknown = await eventually("the followers to have stopped", async () => {
        const renewed = write(store, key, record, { expected: first });
        first = await renewed.catch(() => first);
        return renewed.then(
          () => undefined,
          (error: unknown) => error,
        );
      });
      expect(unknown).toMatchObject({ code: "store-unavailable", ambiguous: true });
      const how = { expected: first, ttlMs: LONG_MS };
      await expect(store.put(key, record, how)).rejects.toMatchObject({
        code: "store-unavailable",
        ambiguous: false,
        message: expect.stringContaining("other writes to the key kept it waiting"),
      });
    } finally {
      for (const follower of followers) await follower.kill("SIGCONT");
    }
    await cluster.ready();
    const how = { expected: first, ttlMs: LONG_MS };
    const put = await eventually("the same write to be answered", () => store.put(key, record, how));
    expect((await store.get(key))?.record).toEqual(record);
    if (put.ok) expect((await store.get(key))?.revision).toBe(put.revision);
    for (const [, to] of all) await to.close();
  });

  it("G5 is refused under every leader after a restore, and has the same revisions under each once its fences were raised", async () => {
    const [[, to] = unreachable()] = await stores("restored");
    const jsm = await manager(to);
    const stream = "KV_restored";
    const patiently = <Value>(ask: () => Promise<Value>): Promise<Value> => eventually("the cluster to answer", ask);
    // A bucket of a day ago, with one key.
    const { config, state } = await patiently(() => jsm.streams.info(stream));
    await patiently(() => jsm.streams.delete(stream));
    await patiently(() => jsm.streams.add({ ...config, first_seq: state.first_seq - 86_400_000_000 }));
    await patiently(() => to.request(subjectOf("restored", key), encodeRecord(commit(of))));
    const backup = await patiently(() => backUp(to, stream));
    await patiently(() => jsm.streams.delete(stream));
    await patiently(() => restore(to, backup).then(() => true));

    /** Makes each server the leader in turn. In a restored stream, servers report different times of creation. */
    async function underEachLeader<Value>(ask: () => Promise<Value>): Promise<readonly Value[]> {
      const answers = new Map<string, Value>();
      while (answers.size < cluster.servers.length) {
        const leader = await cluster.leaderOf(stream);
        answers.set(leader.name, await patiently(ask));
        const other = cluster.servers.find(({ name }) => !answers.has(name));
        if (other === undefined) break;
        const placement = JSON.stringify({ placement: { preferred: other.name } });
        await to.request(`$JS.API.STREAM.LEADER.STEPDOWN.${stream}`, placement).catch(() => {});
        await eventually("another leader", async () => (await cluster.leaderOf(stream)) !== leader || undefined);
      }
      return [...answers.values()];
    }
    const refused = await underEachLeader(() =>
      natsStore(to, { bucket: "restored" }).then(
        () => Promise.reject(new Error("The bucket was opened")),
        (error: unknown) => (hasCode(error, "store-misconfigured") ? error.message : Promise.reject(error)),
      ),
    );
    for (const message of refused) expect(message).toContain("run `latchkey raise-fences`");
    const restored = await patiently(() => jsm.streams.info(stream));
    await patiently(() => jsm.streams.update(stream, withRaisedFences(restored, state.last_seq + 1_000_000)));
    const found = await underEachLeader(async () => (await natsStore(to, { bucket: "restored" })).get(key));
    const [first] = found;
    expect(first?.revision).toBeGreaterThanOrEqual(state.last_seq + 1_000_000);
    for (const entry of found) expect(entry?.revision).toBe(first?.revision);
  });

  it.each([
    ["singly", "failover", natsStore],
    ["in batches", "failover-in-batches", batchingStore],
  ] as const)(
    "G1 F14 has one holder per revision and loses no acknowledged write while its leader is killed (written %s)",
    async (_, bucket, open) => {
      const all = await stores(bucket, open);
      // Two contended keys, and one key per contender, whose writes do not conflict.
      const names = all.flatMap((_, server) => Array.from({ length: 4 }, (__, index) => `${server}.${index}`));
      const keys = ["evt-0", "evt-1", ...names].map((name) => identity(name));
      const won = new Map<string, Map<Revision, string>>(keys.map((at) => [at.storeKey, new Map()]));
      const over = new Map<string, Map<Revision, string[]>>(keys.map((at) => [at.storeKey, new Map()]));
      let isRunning = true;
      let wins = 0;

      const contend = async (store: NatsStore, name: string): Promise<void> => {
        for (let round = 0; isRunning; round += 1) {
          const at = identity(round % 8 < 2 ? `evt-${round % 8}` : name);
          try {
            const expected = (await store.get(at.storeKey))?.revision ?? 0;
            const token = `${name}/${round}`;
            const put = await store.put(at.storeKey, reservation(at, { token }), { expected, ttlMs: LONG_MS });
            if (!put.ok) continue;
            wins += 1;
            won.get(at.storeKey)?.set(put.revision, token);
            const winners = over.get(at.storeKey);
            winners?.set(expected, [...(winners.get(expected) ?? []), token]);
          } catch (error) {
            if (!(error instanceof StoreUnavailableError)) throw error;
          }
        }
      };
      const contenders = names.map((name) => contend(all[Number(name[0])]?.[0] ?? unreachable(), name));
      const killLeader = async (): Promise<void> => {
        await eventually("some to have won", () => wins > 50 || undefined);
        const leader = await cluster.leaderOf(`KV_${bucket}`);
        await leader.kill("SIGKILL");
        const winsBefore = wins;
        await eventually("others to win after the leader died", () => wins > winsBefore + 100 || undefined);
        isRunning = false;
        await leader.restart();
        await cluster.ready();
      };
      await Promise.all([...contenders, killLeader().finally(() => (isRunning = false))]);

      for (const winners of over.values()) {
        expect([...winners.values()].filter((tokens) => tokens.length > 1)).toEqual([]);
      }
      // The last acknowledged write is still stored, unless a write whose answer was lost followed it.
      for (const at of keys) {
        const last = Math.max(...(won.get(at.storeKey)?.keys() ?? []));
        const stored = await eventually("the key to be readable", () => all[0]?.[0].get(at.storeKey));
        expect(stored.revision).toBeGreaterThanOrEqual(last);
        if (stored.revision === last) expect(stored.record.token).toBe(won.get(at.storeKey)?.get(last));
      }
      for (const [, to] of all) await to.close();
    },
  );
});

function unreachable(): never {
  throw new Error("unreachable");
}
