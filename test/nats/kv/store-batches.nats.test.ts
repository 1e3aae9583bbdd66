import { headers, type NatsConnection } from "@nats-io/nats-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { isStoreUnavailable } from "../../../src/errors.ts";
import type { ResolvedIdentity } from "../../../src/model/identity.ts";
import { natsStore } from "../../../src/nats/index.ts";
import type { NatsStore } from "../../../src/nats/kv/bucket-store.ts";
import { openNatsStore } from "../../../src/nats/kv/nats-store.ts";
import { eventually } from "../../support/eventually.ts";
import { connected, makeBucket, manager } from "../../support/nats-bucket.ts";
import { alwaysInBatches, type BatchFlaw, batchingStore, flawedBatches } from "../../support/nats-sending.ts";
import { type NatsServer, startNats } from "../../support/nats-server.ts";
import { commit, identity, LONG_MS, reservation, write } from "../../support/store-contract-fixture.ts";
import { startProxy, type TcpProxy } from "../../support/tcp-proxy.ts";

const limits = "limits { batch { max_inflight_per_stream: 3, max_msgs: 100 } }";

let server: NatsServer;
let proxy: TcpProxy;
let direct: NatsConnection;
let proxied: NatsConnection;
let bucket: string;
/** Store over a direct connection that sends single writes. */
let truth: NatsStore;
let tests = 0;

beforeAll(async () => {
  server = await startNats({ jetstreamConfig: limits });
  proxy = await startProxy(server.port);
  direct = await connected(server);
  proxied = await connected(proxy, { maxReconnectAttempts: -1, reconnectTimeWait: 20 });
});
beforeEach(async () => {
  tests += 1;
  bucket = `batches-${tests}`;
  // In memory storage, a batch does not wait for the disk.
  truth = await natsStore(direct, { bucket, storage: "memory" });
});
afterEach(async () => {
  proxy.heal();
  await eventually("the connection to be back", () => proxied.rtt());
});
afterAll(async () => {
  await proxied.close();
  await direct.close();
  await proxy.close();
  await server.stop();
});

const many = (count: number, name = "evt"): readonly ResolvedIdentity[] =>
  Array.from({ length: count }, (_, index) => identity(`${name}-${index}`));

// A busy server may take long to answer thousands of writes.
const batching = (): Promise<NatsStore> => batchingStore(direct, { bucket, timeoutMs: 60_000 });

const claim = (store: NatsStore, of: ResolvedIdentity, token = "token-1") =>
  store.put(of.storeKey, reservation(of, { token }), { expected: 0, ttlMs: LONG_MS });

/** Returns the batch id of each key's message; "" for a single write. */
async function batchesOf(events: readonly ResolvedIdentity[]): Promise<readonly string[]> {
  const jsm = await manager(direct);
  return Promise.all(
    events.map(async ({ storeKey }) => {
      const message = await jsm.streams.getMessage(`KV_${bucket}`, { last_by_subj: `$KV.${bucket}.${storeKey}` });
      return message?.header.get("Nats-Batch-Id") ?? "not there";
    }),
  );
}

async function storedMessages(): Promise<number> {
  return (await (await manager(direct)).streams.info(`KV_${bucket}`)).state.messages;
}

describe("writes that start while another is in flight", () => {
  it("are sent together, and each gets its own revision", async () => {
    const store = await batching();
    const events = many(90);
    const puts = await Promise.all(events.map((of) => claim(store, of)));
    for (const [index, of] of events.entries()) {
      expect(puts[index]).toEqual({ ok: true, revision: (await truth.get(of.storeKey))?.revision });
    }
    const [first, ...others] = await batchesOf(events);
    expect(first).toBe("");
    expect(new Set(others).size).toBe(1);
    expect(others).not.toContain("");
  });

  it("get the right revisions while other stores send single writes and batches", async () => {
    const stores = [await batching(), truth, await batchingStore(proxied, { bucket })];
    const checks = stores.flatMap((store, at) =>
      many(120, `from-${at}`).map(async (of) => {
        let expected = 0;
        for (let round = 0; round < 5; round += 1) {
          const record = round % 2 === 0 ? reservation(of) : commit(of);
          expected = await write(store, of.storeKey, record, { expected });
        }
        expect(await truth.get(of.storeKey)).toMatchObject({
          key: of.storeKey,
          record: reservation(of),
          revision: expected,
        });
      }),
    );
    await Promise.all(checks);
    expect(new Set(await batchesOf(many(120, "from-0"))).size).toBeLessThan(60);
  });

  it("are split into several batches if there are too many for one, and no batch has a key twice", async () => {
    const store = await batching();
    const events = many(1_500);
    const puts = await Promise.all([...events, ...events].map((each) => claim(store, each)));
    expect(puts.filter(({ ok }) => ok)).toHaveLength(events.length);
    expect(await storedMessages()).toBe(events.length);
  });

  it("do not wait for it if there are many of them, but at most two batches are in flight", async () => {
    const sizes: number[] = [];
    const answers: (() => void)[] = [];
    const large = `${bucket}-of-plenty`;
    await natsStore(direct, { bucket: large, storage: "memory" });
    const store = await openNatsStore(
      direct,
      { bucket: large },
      {
        ...alwaysInBatches,
        sendBatch(_inbox, _terms, writes, onResult) {
          sizes.push(writes.length);
          answers.push(() => onResult({ type: "stored", revisions: writes.map((_, index) => index + 1) }));
        },
      },
    );
    const alone = claim(store, identity("alone"));
    const puts = many(3 * 128 + 10).map((of) => claim(store, of));
    expect(sizes).toEqual([128]);
    await alone;
    expect(sizes).toEqual([128, 266]);
    puts.push(...many(128, "later").map((of) => claim(store, of)));
    expect(sizes).toEqual([128, 266]);
    answers[0]?.();
    expect(sizes).toEqual([128, 266, 128]);
    answers[1]?.();
    answers[2]?.();
    // Nothing is in flight, and the queue sends at the end of the turn.
    puts.push(...many(2 * 128 + 10, "last").map((of) => claim(store, of)));
    await new Promise((resolve) => setImmediate(resolve));
    expect(sizes).toEqual([128, 266, 128, 128, 128]);
    answers[3]?.();
    answers[4]?.();
    await new Promise((resolve) => setImmediate(resolve));
    answers[5]?.();
    expect(sizes).toEqual([128, 266, 128, 128, 128, 10]);
    expect((await Promise.all(puts)).every(({ ok }) => ok)).toBe(true);
  });

  it("may be removals and renewals", async () => {
    const store = await batching();
    const events = many(60);
    const revisions = await Promise.all(events.map((of) => write(store, of.storeKey, reservation(of))));
    const ends = await Promise.all(
      events.map(async ({ storeKey }, index) => {
        const expected = revisions[index] ?? 0;
        if (index % 2 === 0) return store.remove(storeKey, { expected });
        return store.put(storeKey, reservation(identity("x")), { expected, ttlMs: LONG_MS });
      }),
    );
    expect(ends.filter(({ ok }) => !ok)).toEqual([]);
    expect(new Set(await batchesOf(events)).size).toBeLessThan(10);
    const left = await Promise.all(events.map(({ storeKey }) => truth.get(storeKey)));
    expect(left.filter((entry) => entry === undefined)).toHaveLength(30);
  });

  it("are sent singly if they are large", async () => {
    const store = await batching();
    const events = many(20);
    const puts = events.map((of, index) => {
      const record = commit(of, { result: "x".repeat(index % 5 === 0 ? 100_000 : 10) });
      return store.put(of.storeKey, record, { expected: 0, ttlMs: LONG_MS });
    });
    expect((await Promise.all(puts)).filter(({ ok }) => !ok)).toEqual([]);
    const batches = await batchesOf(events);
    expect(batches.filter((_, index) => index % 5 === 0)).toEqual(["", "", "", ""]);
    expect(new Set(batches).size).toBe(5);
  });
});

describe("a refused batch", () => {
  it("stores nothing if one member conflicts, and only that member gets a conflict", async () => {
    const store = await batching();
    const events = many(50);
    const taken = events[20] ?? identity("unreachable");
    const before = await write(truth, taken.storeKey, commit(taken));
    const puts = await Promise.all(events.map((of) => claim(store, of)));
    for (const [index, of] of events.entries()) {
      const stored = await truth.get(of.storeKey);
      if (of === taken) expect(puts[index]).toEqual({ ok: false, current: stored });
      else expect(puts[index]).toEqual({ ok: true, revision: stored?.revision });
    }
    expect((await truth.get(taken.storeKey))?.revision).toBe(before);
    expect(new Set(await batchesOf(events))).toEqual(new Set([""]));
  });

  it("stores nothing if the bucket no longer accepts batches, and its members are sent singly", async () => {
    const store = await batching();
    const jsm = await manager(direct);
    const { config } = await jsm.streams.info(`KV_${bucket}`);
    await jsm.streams.update(`KV_${bucket}`, Object.assign(config, { allow_atomic: false }));
    const events = many(30);
    expect((await Promise.all(events.map((of) => claim(store, of)))).every(({ ok }) => ok)).toBe(true);
    expect(new Set(await batchesOf(events))).toEqual(new Set([""]));
  });

  it("stores nothing if it is too large or too many are in flight, and its members are sent singly", async () => {
    const store = await batching();
    const large = many(1 + 128);
    expect((await Promise.all(large.map((of) => claim(store, of)))).every(({ ok }) => ok)).toBe(true);
    expect(new Set(await batchesOf(large))).toEqual(new Set([""]));
    for (let others = 0; others < 3; others += 1) beginBatch(direct, `other-${others}`);
    const events = many(30, "later");
    expect((await Promise.all(events.map((of) => claim(store, of)))).every(({ ok }) => ok)).toBe(true);
    expect(new Set(await batchesOf(events))).toEqual(new Set([""]));
  });

  it("stores nothing if the bucket was deleted, and its members get that reason", async () => {
    const store = await batching();
    await (await manager(direct)).streams.delete(`KV_${bucket}`);
    const puts = await Promise.allSettled(many(10).map((of) => claim(store, of)));
    for (const put of puts) {
      expect(put).toMatchObject({ status: "rejected", reason: { code: "store-unavailable", ambiguous: false } });
    }
  });

  it("stores nothing if the connection is closed, and its members get that reason", async () => {
    const to = await connected(server);
    const store = await batchingStore(to, { bucket });
    await to.close();
    const puts = await Promise.allSettled(many(10).map((of) => claim(store, of)));
    for (const put of puts) {
      expect(put).toMatchObject({ reason: { ambiguous: false, message: expect.stringContaining("is closed") } });
    }
  });

  it("is sent singly if the bucket is full, and the members that fit are stored", async () => {
    const small = await natsStore(direct, { bucket: `${bucket}-full`, storage: "memory", maxBytes: 20_000 });
    const store = await batchingStore(direct, { bucket: `${bucket}-full` });
    const puts = await Promise.allSettled(many(90).map((of) => claim(store, of)));
    const stored = puts.flatMap((put, index) => (put.status === "fulfilled" && put.value.ok ? [index] : []));
    expect(stored.length).toBeGreaterThan(5);
    expect(stored.length).toBeLessThan(90);
    for (const [index, of] of many(90).entries()) {
      const isThere = (await small.get(of.storeKey)) !== undefined;
      // A write without an answer may be stored. A refused write is not.
      const put = puts[index];
      if (put?.status === "rejected" && isStoreUnavailable(put.reason) && put.reason.ambiguous) continue;
      expect(isThere).toBe(stored.includes(index));
    }
  });
});

/** Sends the first message of a batch that never ends. */
function beginBatch(on: NatsConnection, id: string): void {
  const fields = headers();
  fields.set("Nats-Batch-Id", id);
  fields.set("Nats-Batch-Sequence", "1");
  fields.set("Nats-Expected-Last-Subject-Sequence", "0");
  on.publish(`$KV.${bucket}.${identity(id).storeKey}`, "{}", { headers: fields });
}

describe("an incomplete batch", () => {
  it("stores nothing", async () => {
    const to = await connected(server);
    beginBatch(to, "broken-off");
    await to.flush();
    await to.close();
    expect(await storedMessages()).toBe(0);
  });
});

describe("G9 a batch without an answer", () => {
  const silent = (): Promise<NatsStore> => batchingStore(proxied, { bucket, timeoutMs: 1_000 });

  it("may be stored: each write is ambiguous, and its repeat is recognised by its token", async () => {
    const store = await silent();
    const events = many(20);
    proxy.swallowAnswersTo("Nats-Batch-Commit");
    const puts = await Promise.allSettled(events.map((of) => claim(store, of, "mine")));
    for (const put of puts.slice(1)) expect(put).toMatchObject({ status: "rejected", reason: { ambiguous: true } });
    proxy.heal();
    await eventually("the connection to be back", () => proxied.rtt());
    for (const of of events) {
      expect(await claim(store, of, "mine")).toMatchObject({ ok: false, current: { record: { token: "mine" } } });
    }
  });

  it("may be lost: the repeated writes are stored", async () => {
    const store = await silent();
    const events = many(20);
    proxy.requests("swallow");
    const puts = await Promise.allSettled(events.map((of) => claim(store, of)));
    for (const put of puts) expect(put).toMatchObject({ status: "rejected", reason: { ambiguous: true } });
    proxy.heal();
    await eventually("the connection to be back", () => proxied.rtt());
    expect(await storedMessages()).toBe(0);
    expect((await Promise.all(events.map((of) => claim(store, of)))).every(({ ok }) => ok)).toBe(true);
  });

  it("does not change a later holder's record if it is stored late", async () => {
    const store = await silent();
    const events = many(20);
    const firsts = await Promise.all(events.map((of) => write(truth, of.storeKey, reservation(of))));
    proxy.requests("hold");
    const late = await Promise.allSettled(
      events.map((of, index) =>
        store.put(of.storeKey, commit(of, { token: "late" }), { expected: firsts[index] ?? 0, ttlMs: LONG_MS }),
      ),
    );
    for (const put of late) expect(put).toMatchObject({ status: "rejected", reason: { ambiguous: true } });
    const [taken] = events;
    if (taken === undefined) throw new Error("unreachable");
    const revision = await write(truth, taken.storeKey, reservation(taken, { token: "later" }), {
      expected: firsts[0] ?? 0,
    });
    proxy.heal();
    await eventually("the connection to be back", () => proxied.rtt());
    expect((await truth.get(taken.storeKey))?.revision).toBe(revision);
  });

  it.each(["{}", "hello", '{"seq":5}', '{"seq":1,"batch":"x","count":20}', '{"error":{"code":500,"err_code":10077}}'])(
    "is ambiguous if the answer is `%s` and the bucket does not answer the repeat",
    async (answer) => {
      const store = await batching();
      await (await manager(direct)).streams.delete(`KV_${bucket}`);
      const echo = direct.subscribe(`$KV.${bucket}.>`, {
        callback: (_, message) => {
          const isFirst = message.headers?.has("Nats-Batch-Id") !== true;
          if (message.reply !== undefined) message.respond(isFirst ? '{"error":{"err_code":10071}}' : answer);
        },
      });
      const puts = await Promise.allSettled(
        many(10).map((of) => store.put(of.storeKey, commit(of), { expected: 7, ttlMs: LONG_MS })),
      );
      expect(puts[0]).toMatchObject({ status: "fulfilled", value: { ok: false } });
      for (const put of puts.slice(1)) expect(put).toMatchObject({ status: "rejected", reason: { ambiguous: true } });
      echo.unsubscribe();
    },
  );

  it("does not hold up later writes", async () => {
    const store = await batchingStore(proxied, { bucket, timeoutMs: 20_000 });
    await write(store, identity("open").storeKey, reservation(identity("open")));
    proxy.swallowAnswersTo("Nats-Batch-Commit");
    const lost = Promise.allSettled(many(5).map((of) => claim(store, of)));
    await eventually("the batch to be stored", async () => (await storedMessages()) === 6 || undefined);
    const [later] = many(1, "later");
    const put = claim(store, later ?? identity("unreachable"));
    await eventually("the later write to be stored", async () => (await storedMessages()) === 7 || undefined);
    proxy.heal();
    await proxied.close();
    await Promise.allSettled([lost, put]);
    proxied = await connected(proxy, { maxReconnectAttempts: -1, reconnectTimeWait: 20 });
  });
});

describe("a bucket that does not allow batches", () => {
  it("receives single writes", async () => {
    bucket = `${bucket}-single`;
    await makeBucket(direct, bucket);
    const store = await batching();
    const events = many(50);
    expect((await Promise.all(events.map((of) => claim(store, of)))).every(({ ok }) => ok)).toBe(true);
    expect(new Set(await batchesOf(events))).toEqual(new Set([""]));
  });
});

describe("a check of batches", () => {
  /** Returns the wrong results of a store for concurrent writes: without a conflict, with one, and without an answer. */
  async function wrongResults(store: NatsStore): Promise<readonly string[]> {
    const wrong = new Set<string>();
    const round = async (name: string, isTaken: boolean): Promise<void> => {
      const events = many(30, name);
      const before = await Promise.all(events.map((of) => write(truth, of.storeKey, reservation(of))));
      const taken = events[9]?.storeKey ?? identity("unreachable").storeKey;
      if (isTaken) await write(truth, taken, reservation(identity("x")), { expected: before[9] ?? 0 });
      const puts = await Promise.allSettled(
        events.map((of, index) => {
          const record = commit(of, { token: "mine" });
          return store.put(of.storeKey, record, { expected: before[index] ?? 0, ttlMs: LONG_MS });
        }),
      );
      for (const [index, of] of events.entries()) {
        const put = puts[index];
        const stored = await truth.get(of.storeKey);
        if (put?.status !== "fulfilled") continue;
        const isOwn = stored?.record.token === "mine";
        if (put.value.ok !== isOwn) wrong.add(`${name}: ${put.value.ok ? "not " : ""}stored, contrary to its result`);
        else if (!put.value.ok && of.storeKey !== taken) wrong.add(`${name}: refused without a conflict`);
        else if (put.value.ok && put.value.revision !== stored?.revision) wrong.add(`${name}: another revision`);
      }
    };
    await round("free", false);
    await round("conflict", true);
    proxy.swallowAnswersTo("Nats-Batch-Commit");
    const last = many(30, "no answer").at(-1)?.storeKey ?? identity("unreachable").storeKey;
    const batch = eventually("the batch to be stored", async () => (await truth.get(last))?.record.token === "mine");
    await Promise.all([round("no answer", false), batch.finally(() => proxy.heal())]);
    return [...wrong];
  }

  it("finds no wrong result of correct batches", async () => {
    expect(await wrongResults(await batchingStore(proxied, { bucket, timeoutMs: 1_000 }))).toEqual([]);
  });

  it.each<readonly [flaw: BatchFlaw, found: string]>([
    ["a refused batch counts as stored", "conflict: not stored, contrary to its result"],
    ["revisions are counted from the last message", "free: another revision"],
    ["revisions are assigned in reverse order", "free: another revision"],
    ["a conflict is reported as stored", "conflict: refused without a conflict"],
    ["the first message is not sent", "free: not stored, contrary to its result"],
    ["a missing answer counts as a refusal", "no answer: stored, contrary to its result"],
    ["a missing answer counts as success", "no answer: another revision"],
  ])("finds a wrong result if %s", async (flaw, found) => {
    const store = await openNatsStore(proxied, { bucket, timeoutMs: 1_000 }, flawedBatches(flaw));
    expect(await wrongResults(store)).toContain(found);
  });
});
