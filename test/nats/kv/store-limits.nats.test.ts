import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import type { StreamConfig } from "@nats-io/jetstream";
import { millis, type NatsConnection } from "@nats-io/nats-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Deduplicator } from "../../../src/deduplicator.ts";
import { ResultNotKeptError } from "../../../src/errors.ts";
import { encodeRecord } from "../../../src/model/record.ts";
import { type NatsStore, natsStore } from "../../../src/nats/index.ts";
import { eventually } from "../../support/eventually.ts";
import { connected, manager } from "../../support/nats-bucket.ts";
import { batchingStore } from "../../support/nats-sending.ts";
import { type NatsServer, startNats } from "../../support/nats-server.ts";
import { commit, identity, LONG_MS, reservation } from "../../support/store-contract-fixture.ts";

const accounts = `
accounts {
  PLAIN { jetstream: enabled, users: [{ user: plain, password: plain }] }
  SMALL { jetstream: { max_file: 64KB, max_mem: 0 }, users: [{ user: small, password: small }] }
}`;
const MAX_PAYLOAD = 65_536;

let server: NatsServer;
let connection: NatsConnection;
/** File with the server's `max_payload`, which a test lowers while the server runs. */
let limits: string;
beforeAll(async () => {
  const folder = await mkdtemp(join(tmpdir(), "latchkey-limits-"));
  limits = join(folder, "limits.conf");
  await writeFile(limits, `max_payload: ${MAX_PAYLOAD}\n`);
  server = await startNats({ config: `include "../${basename(folder)}/limits.conf"\n${accounts}` });
  connection = await connected(server, {
    user: "plain",
    pass: "plain",
    maxReconnectAttempts: -1,
    reconnectTimeWait: 20,
  });
});
afterAll(async () => {
  await connection.close();
  await server.stop();
  await rm(join(limits, ".."), { recursive: true });
});

async function reconfigure(bucket: string, changes: Partial<StreamConfig>): Promise<void> {
  const jsm = await manager(connection);
  const { config } = await jsm.streams.info(`KV_${bucket}`);
  await jsm.streams.update(`KV_${bucket}`, Object.assign(config, changes));
}

/** Reloads the server with another `max_payload`. During a reload, nothing answers for the accounts' streams. */
async function reloadWith(maxPayload: number): Promise<void> {
  const reloads = async () => (await server.log()).split("Reloaded server configuration").length;
  const before = await reloads();
  await writeFile(limits, `max_payload: ${maxPayload}\n`);
  await server.kill("SIGHUP");
  await eventually("the server to reload its configuration", async () => (await reloads()) > before || undefined);
}

function replicaOf(store: NatsStore) {
  return new Deduplicator({ store, keepResults: true, cacheSize: 0, leaseMs: 60_000 });
}

/** Dispatches an event whose handler returns `result`, and returns the outcome and its duration. */
async function timed(replica: Deduplicator, eventId: string, result: unknown, during?: () => Promise<void>) {
  const startedMs = performance.now();
  const outcome = await replica.guard({ subscriptionId: "s", eventId }, async () => {
    await during?.();
    return result;
  });
  return { outcome, tookMs: performance.now() - startedMs };
}

/** Requires a confirmed commit without its result, long before the lease ends, and no second dispatch. */
async function committedWithoutResult(
  replica: Deduplicator,
  eventId: string,
  { outcome, tookMs }: Awaited<ReturnType<typeof timed>>,
): Promise<void> {
  expect(outcome).toMatchObject({ outcome: "dispatched", commit: "confirmed" });
  expect(outcome.outcome === "dispatched" && outcome.resultError).toBeInstanceOf(ResultNotKeptError);
  expect(tookMs).toBeLessThan(30_000);
  expect(await replica.guard({ subscriptionId: "s", eventId }, () => "again")).not.toHaveProperty("value");
}

const large = "r".repeat(MAX_PAYLOAD - 300);

describe("a result that is too large", () => {
  it.each([
    ["the server's `max_payload`", {}],
    ["the bucket's `max_msg_size`", { max_msg_size: 2_000 }],
  ] as const)("is dropped at once, and the event is committed, if it exceeds %s", async (what, changes) => {
    const bucket = `result-${what.length}`;
    const store = await natsStore(connection, { bucket });
    await reconfigure(bucket, changes);
    const replica = replicaOf(store);
    await committedWithoutResult(replica, "e", await timed(replica, "e", large));
    await replica.close();
  });

  it("is dropped at every size that the bucket refuses, and kept below", async () => {
    const store = await natsStore(connection, { bucket: "edge" });
    await reconfigure("edge", { max_msg_size: 4_000 });
    const replica = replicaOf(store);
    const outcomes: boolean[] = [];
    // Subject and headers count too: somewhere in this range is the edge.
    for (let length = 3_000; length <= 3_700; length += 50) {
      const { outcome, tookMs } = await timed(replica, `e-${length}`, "r".repeat(length));
      expect(outcome).toMatchObject({ outcome: "dispatched", commit: "confirmed" });
      expect(tookMs).toBeLessThan(30_000);
      const again = await replica.guard({ subscriptionId: "s", eventId: `e-${length}` }, () => "again");
      const isKept = outcome.outcome === "dispatched" && outcome.resultError === undefined;
      expect(again).toMatchObject(
        isKept ? { outcome: "duplicate", value: "r".repeat(length) } : { outcome: "duplicate" },
      );
      outcomes.push(isKept);
    }
    expect(outcomes).toEqual(outcomes.toSorted((one, other) => Number(other) - Number(one)));
    expect(new Set(outcomes).size).toBe(2);
    await replica.close();
  });

  it("is dropped if it is sent in a batch, and the other members are kept", async () => {
    const store = await batchingStore(connection, { bucket: "batched" });
    await reconfigure("batched", { max_msg_size: 2_000 });
    const replica = replicaOf(store);
    const results = Array.from({ length: 20 }, (_, index) => "r".repeat(index % 2 === 0 ? 10 : 10_000));
    const all = await Promise.all(results.map((result, index) => timed(replica, `e-${index}`, result)));
    for (const [index, { outcome, tookMs }] of all.entries()) {
      expect(outcome).toMatchObject({ outcome: "dispatched", commit: "confirmed" });
      expect(outcome.outcome === "dispatched" && outcome.resultError !== undefined).toBe(index % 2 === 1);
      expect(tookMs).toBeLessThan(30_000);
    }
    await replica.close();
  });

  it("is dropped if the account has no storage left for it", async () => {
    await using to = await connected(server, { user: "small", pass: "small" });
    const store = await natsStore(to, { bucket: "quota" });
    const replica = replicaOf(store);
    const fillUp = async () => {
      for (let index = 0; ; index += 1) {
        const of = identity(`filler-${index}`);
        await store.put(of.storeKey, commit(of, { result: "x".repeat(2_000) }), { expected: 0, ttlMs: LONG_MS });
      }
    };
    const fill = () => expect(fillUp()).rejects.toMatchObject({ code: "store-unavailable", full: true });
    const { outcome } = await timed(replica, "e", "r".repeat(40_000), fill);
    // The server counts whole records, so even the commit without its result may exceed the limit.
    expect(outcome).toMatchObject({ outcome: "dispatched", resultError: { code: "result-not-kept" } });
    await replica.close({ drainMs: 0 });
  });
});

describe("an identity that is too large", () => {
  it.each([
    ["payload", {}, MAX_PAYLOAD],
    ["message", { max_msg_size: 3_000 }, 3_000],
  ] as const)(
    "is refused before anything is dispatched, and not as an outage, if it exceeds the limit of a %s",
    async (name, changes, length) => {
      const store = await natsStore(connection, { bucket: `id-${name}` });
      await reconfigure(`id-${name}`, changes);
      const replica = new Deduplicator({ store, onStoreUnavailable: "dispatch" });
      let dispatches = 0;
      const guard = (eventId: string) =>
        replica.guard({ subscriptionId: "s", eventId }, () => {
          dispatches += 1;
        });
      await expect(guard("e".repeat(length))).rejects.toMatchObject({ code: "record-too-large" });
      expect(dispatches).toBe(0);
      await guard("e".repeat(length - 1_000));
      expect(dispatches).toBe(1);
      await replica.close();
    },
  );

  it("is never so large that a reservation fits and its commit does not", async () => {
    const store = await natsStore(connection, { bucket: "room" });
    const size = (eventId: string) => Buffer.byteLength(encodeRecord(reservation(identity(eventId))));
    await reconfigure("room", { max_msg_size: 1_000 });
    let reserved = 0;
    let refused = 0;
    for (let length = 300; length < 900; length += 7) {
      const of = identity("e".repeat(length));
      const put = await store.put(of.storeKey, reservation(of), { expected: 0, ttlMs: 1_000 }).catch(() => undefined);
      if (put?.ok !== true) {
        refused += 1;
        continue;
      }
      reserved += 1;
      const fence = Number.MAX_SAFE_INTEGER;
      const committed = store.put(of.storeKey, commit(of, { fence }), {
        expected: put.revision,
        ttlMs: store.maxWindowMs,
      });
      await expect(committed, `for a reservation of ${size(of.eventId)} bytes`).resolves.toMatchObject({ ok: true });
    }
    expect(reserved).toBeGreaterThan(5);
    expect(refused).toBeGreaterThan(5);
  });
});

describe("a limit that is lowered while a handler runs", () => {
  it("drops the result, and the event is committed, if it is the bucket's", async () => {
    const store = await natsStore(connection, { bucket: "lowered" });
    const replica = replicaOf(store);
    const lower = () => reconfigure("lowered", { max_msg_size: 2_000 });
    await committedWithoutResult(replica, "e", await timed(replica, "e", "r".repeat(10_000), lower));
    await replica.close();
  });

  it("drops the result, and the event is committed, if it is the server's", async () => {
    const store = await natsStore(connection, { bucket: "reloaded", timeoutMs: 1_000 });
    const replica = replicaOf(store);
    const lower = () => reloadWith(8_192);
    try {
      await committedWithoutResult(replica, "e", await timed(replica, "e", "r".repeat(20_000), lower));
    } finally {
      await reloadWith(MAX_PAYLOAD);
    }
    await replica.close();
  });
});

it("keeps its reservations as short-lived as their lease, whatever their size", async () => {
  const store = await natsStore(connection, { bucket: "padded" });
  const of = identity("evt-1");
  await store.put(of.storeKey, reservation(of), { expected: 0, ttlMs: 5_000 });
  const { config } = await (await manager(connection)).streams.info("KV_padded");
  expect(millis(config.max_age)).toBe(store.maxWindowMs);
  expect((await store.get(of.storeKey))?.record).toEqual(reservation(of));
});
