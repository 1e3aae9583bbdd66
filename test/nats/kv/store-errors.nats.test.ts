import type { StreamConfig } from "@nats-io/jetstream";
import { PermissionViolationError } from "@nats-io/nats-core";
import { describe, expect, it } from "vitest";
import { StoreUnavailableError } from "../../../src/errors.ts";
import { type NatsStore, natsStore } from "../../../src/nats/index.ts";
import { isCertainlyNotStored, writeFailed } from "../../../src/nats/wire/error-codes.ts";
import { collected } from "../../support/collected.ts";
import { connected, makeBucket, manager } from "../../support/nats-bucket.ts";
import { commit, identity, LONG_MS, remove, reservation, write } from "../../support/store-contract-fixture.ts";
import { useNatsServer } from "../../support/use-nats-server.ts";

const accounts = `
max_payload: 64KB
accounts {
  PLAIN { jetstream: enabled, users: [{ user: plain, password: plain }] }
  SMALL { jetstream: { max_file: 64KB, max_mem: 0 }, users: [{ user: small, password: small }] }
  SYS { users: [{ user: sys, password: sys }] }
}
system_account: SYS`;

const nats = useNatsServer({ config: accounts }, { user: "plain", pass: "plain" });

const of = identity("evt-1");
const { storeKey: key } = of;
const put = (store: NatsStore, record = commit(of)) => store.put(key, record, { expected: 0, ttlMs: LONG_MS });

async function refusal(call: Promise<unknown>, says: string, ambiguous = false): Promise<void> {
  const error: unknown = await call.catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(StoreUnavailableError);
  expect(error).toMatchObject({ code: "store-unavailable", ambiguous, message: expect.stringContaining(says) });
  expect(error).toHaveProperty("cause");
}

/** Replaces the bucket by another stream without the store's knowledge. */
async function replaceBucket(bucket: string, changes: Partial<StreamConfig>): Promise<void> {
  const jsm = await manager(nats.connection);
  await jsm.streams.delete(`KV_${bucket}`);
  await makeBucket(nats.connection, bucket, changes);
}

async function reconfigure(bucket: string, changes: Partial<StreamConfig>): Promise<void> {
  const jsm = await manager(nats.connection);
  const { config } = await jsm.streams.info(`KV_${bucket}`);
  await jsm.streams.update(`KV_${bucket}`, Object.assign(config, changes));
}

describe("a failed write", () => {
  it("is certainly not stored if the bucket is full (10077), and existing keys can still be renewed, committed and removed", async () => {
    const store = await natsStore(nats.connection, { bucket: "full", maxBytes: 20_000 });
    const record = reservation(of, { fingerprint: "x".repeat(1_000) });
    const first = await write(store, key, record);
    const fill = async (): Promise<void> => {
      for (let index = 2; ; index += 1) {
        const { storeKey } = identity(`evt-${index}`);
        await write(store, storeKey, reservation(of, { fingerprint: "x".repeat(3_000) }));
      }
    };
    await refusal(fill(), "Bucket full refused a write: the bucket is full");
    const renewed = await write(store, key, record, { expected: first });
    const committed = commit(of, { fingerprint: "x".repeat(1_000), fence: first });
    await remove(store, key, await write(store, key, committed, { expected: renewed, ttlMs: store.maxWindowMs }));
    expect(await store.get(key)).toBeUndefined();
  });

  it("is certainly not stored if the account has used up its storage (10002)", async () => {
    await using to = await connected(nats.server, { user: "small", pass: "small" });
    const store = await natsStore(to, { bucket: "quota" });
    const fill = async (): Promise<void> => {
      for (let index = 0; index < 100; index += 1) {
        await write(store, identity(`evt-${index}`).storeKey, reservation(of, { fingerprint: "x".repeat(5_000) }));
      }
    };
    await refusal(fill(), "the account has used up its JetStream storage");
  });

  it("is certainly not stored if nothing responds because the bucket was deleted", async () => {
    const store = await natsStore(nats.connection, { bucket: "gone" });
    await (await manager(nats.connection)).streams.delete("KV_gone");
    await refusal(put(store), "nothing answers for it");
    await refusal(store.remove(key, { expected: 1 }), "nothing answers for it");
    await refusal(store.get(key), "Bucket gone cannot be read: the bucket does not exist");
  });

  it("is certainly not stored if the servers do not know the bucket yet (10059)", async () => {
    const store = await natsStore(nats.connection, { bucket: "late" });
    const jsm = await manager(nats.connection);
    const { config } = await jsm.streams.info("KV_late");
    await jsm.streams.delete("KV_late");
    const reading = store.get(key);
    await jsm.streams.add(config);
    expect(await reading).toBeUndefined();
  });

  it("is certainly not stored if another stream has the bucket's subjects (10060)", async () => {
    const store = await natsStore(nats.connection, { bucket: "taken" });
    const jsm = await manager(nats.connection);
    await jsm.streams.delete("KV_taken");
    await jsm.streams.add({ name: "THIEF", subjects: ["$KV.taken.>"] });
    await refusal(put(store), "another stream has taken the bucket's subjects");
    expect((await jsm.streams.info("THIEF")).state.messages).toBe(0);
  });

  it("is certainly not stored if the bucket does not allow a time to live (10166)", async () => {
    const store = await natsStore(nats.connection, { bucket: "timeless" });
    await replaceBucket("timeless", { allow_msg_ttl: false });
    await refusal(put(store), "the bucket does not allow a time to live");
  });

  it("is certainly not stored if the bucket is sealed (10109)", async () => {
    const store = await natsStore(nats.connection, { bucket: "closed" });
    await reconfigure("closed", { sealed: true });
    await refusal(put(store), "the bucket is sealed");
  });

  it("is certainly not stored if the connection is closed or draining", async () => {
    const to = await connected(nats.server, { user: "plain", pass: "plain" });
    const store = await natsStore(to, { bucket: "left" });
    await write(store, key, reservation(of));
    const drained = to.drain();
    await refusal(put(store), "the connection is closed");
    await drained;
    await refusal(put(store), "the connection is closed");
    await refusal(store.get(key), "the connection is closed");
    await refusal(collected(store.list({})), "the connection is closed");
    await refusal(collected(store.watch({}, AbortSignal.timeout(10_000))), "the connection is closed");
  });
});

describe("a write", () => {
  const answers: ReadonlyArray<readonly [answer: string, says: string]> = [
    [
      '{"error":{"code":500,"err_code":19999,"description":"new"}}',
      "refused a write: the server says: new (code 19999)",
    ],
    ['{"error":{"code":500}}', "refused a write: code undefined"],
    ...["{}", "null", "[]", "hello", '{"seq":0}', '{"seq":-1}', '{"seq":"7"}', '{"seq":1.5}', ""].map(
      (answer) => [answer, "did not say whether it stored a write"] as const,
    ),
  ];
  it.for(answers)("may be stored if its answer is the unreadable `%s`", async ([answer, says]) => {
    const store = await natsStore(nats.connection, { bucket: "echo" });
    await (await manager(nats.connection)).streams.delete("KV_echo");
    const echo = nats.connection.subscribe("$KV.echo.>", { callback: (_, message) => void message.respond(answer) });
    await refusal(put(store), says, true);
    await refusal(store.remove(key, { expected: 1 }), says, true);
    echo.unsubscribe();
  });
});

describe("a write without permission", () => {
  it("may be stored if its answer is forbidden, but not if the write is", () => {
    const violation = (operation: "publish" | "subscription") =>
      writeFailed("b", new PermissionViolationError("forbidden", operation, "subject"));
    for (const error of [violation("subscription"), violation("publish")])
      expect(error).toMatchObject({ code: "store-forbidden" });
    expect(isCertainlyNotStored(violation("subscription"))).toBe(false);
    expect(isCertainlyNotStored(violation("publish"))).toBe(true);
  });
});

describe("a store", () => {
  it("checks its arguments before it sends anything", async () => {
    const store = await natsStore(nats.connection, { bucket: "arguments", maxWindowMs: 10_000 });
    const record = reservation(of);
    for (const expected of [-1, 0.5, Number.NaN]) {
      await expect(store.put(key, record, { expected, ttlMs: 1_000 })).rejects.toThrow("Expected `expected` to be");
      await expect(store.remove(key, { expected })).rejects.toThrow(RangeError);
    }
    for (const ttlMs of [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 10_001]) {
      await expect(store.put(key, record, { expected: 0, ttlMs })).rejects.toThrow(
        "Expected `ttlMs` to be a whole number from 1 to 10000",
      );
    }
    expect(await store.get(key)).toBeUndefined();
  });
});
