import type { NatsConnection } from "@nats-io/nats-core";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { Deduplicator } from "../../../src/deduplicator.ts";
import { StoreUnavailableError } from "../../../src/errors.ts";
import type { Change } from "../../../src/model/store.ts";
import { type NatsStore, natsStore } from "../../../src/nats/index.ts";
import { collected } from "../../support/collected.ts";
import { eventually } from "../../support/eventually.ts";
import { connected } from "../../support/nats-bucket.ts";
import { type NatsServer, startNats } from "../../support/nats-server.ts";
import { realTime } from "../../support/nats-store-under-test.ts";
import { commit, identity, LONG_MS, remove, reservation, write } from "../../support/store-contract-fixture.ts";
import { streamedItems } from "../../support/streamed-items.ts";
import { startProxy, type TcpProxy } from "../../support/tcp-proxy.ts";

/** Time limit for a watch to notice that its consumer is lost, in milliseconds. It takes seconds, longer on a busy machine. */
const RECOVERY_MS = 60_000;

let server: NatsServer;
let proxy: TcpProxy;
let direct: NatsConnection;
let proxied: NatsConnection;
/** Store over a direct connection, which the proxy does not affect. */
let truth: NatsStore;
/** Store over a connection through the proxy. */
let store: NatsStore;
let tests = 0;

beforeAll(async () => {
  server = await startNats();
  proxy = await startProxy(server.port);
  direct = await connected(server);
  proxied = await connected(proxy, { maxReconnectAttempts: -1, reconnectTimeWait: 20 });
});
beforeEach(async () => {
  tests += 1;
  // A failed test may have left faults in the proxy.
  await healed();
  const bucket = `ambiguous-${tests}`;
  truth = await natsStore(direct, { bucket });
  store = await natsStore(proxied, { bucket, timeoutMs: 1_000 });
});
afterAll(async () => {
  await proxied.close();
  await direct.close();
  await proxy.close();
  await server.stop();
});

const of = identity("evt-1");
const { storeKey: key } = of;

const revisionOf = (change: Change): number => (change.type === "put" ? change.entry.revision : change.revision);

async function failure(call: Promise<unknown>): Promise<StoreUnavailableError> {
  const error: unknown = await call.catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(StoreUnavailableError);
  if (!(error instanceof StoreUnavailableError)) throw error;
  return error;
}

/** Ends the faults of the proxy and waits for the connection. */
async function healed(): Promise<void> {
  proxy.heal();
  await eventually("the connection to be back", async () => {
    await proxied.rtt();
    return true;
  });
}

describe("a commit that is stored without an answer", () => {
  it("leaves the key empty if it is cleared before the commit is repeated", async () => {
    const expected = await write(store, key, reservation(of));
    const how = { expected, ttlMs: LONG_MS };
    proxy.answers("swallow");
    const lost = store.put(key, commit(of), how).catch(() => {});
    const stored = await eventually("the commit to be stored", async () => {
      const entry = await truth.get(key);
      return entry?.record.state === "committed" ? entry : undefined;
    });
    await remove(truth, key, stored.revision);
    await lost;
    await healed();
    expect(await store.put(key, commit(of), how)).toEqual({ ok: false });
    expect(await truth.get(key)).toBeUndefined();
  });
});

describe("a network that is cut for 200 ms", () => {
  it("does not cost a lease of 4 s whose renewal was lost", async () => {
    const plain = await natsStore(proxied, { bucket: `ambiguous-${tests}` });
    const replica = new Deduplicator({ store: plain, leaseMs: 4_000, skewMs: 500 });
    const events: string[] = [];
    replica.subscribe(({ type }) => events.push(type));
    const outcome = await replica.guard({ subscriptionId: "s", eventId: "cut" }, async ({ signal }) => {
      proxy.requests("swallow");
      const { pass } = realTime(plain);
      // The renewal is due after a third of the lease.
      await pass(1_450);
      proxy.heal();
      await eventually("a renewal", () => events.includes("renewed"));
      expect(signal.aborted).toBe(false);
    });
    expect(outcome).toMatchObject({ outcome: "dispatched", commit: "confirmed" });
    expect(events).not.toContain("expired");
    await replica.close();
  });
});

describe("G9 F11 a write without an answer", () => {
  it("is recognised by its token when the repeated write is refused", async () => {
    proxy.answers("swallow");
    const record = reservation(of, { token: "mine" });
    const how = { expected: 0, ttlMs: LONG_MS };
    expect(await failure(store.put(key, record, how))).toMatchObject({ ambiguous: true });
    const stored = await truth.get(key);
    expect(stored?.record).toEqual(record);
    await healed();
    expect(await store.put(key, record, how)).toEqual({ ok: false, current: stored });
  });

  it("is stored by the repeated write if it was lost", async () => {
    proxy.requests("swallow");
    const record = reservation(of, { token: "mine" });
    const how = { expected: 0, ttlMs: LONG_MS };
    expect(await failure(store.put(key, record, how))).toMatchObject({ ambiguous: true });
    await healed();
    expect(await truth.get(key)).toBeUndefined();
    const put = await store.put(key, record, how);
    expect(put).toMatchObject({ ok: true });
    expect(await truth.get(key)).toMatchObject({ record });
  });

  it("does not change a later holder's record if it is stored late", async () => {
    const first = await write(store, key, reservation(of));
    proxy.requests("hold");
    const late = store.put(key, commit(of, { token: "late" }), { expected: first, ttlMs: LONG_MS });
    expect(await failure(late)).toMatchObject({ ambiguous: true });
    const record = reservation(of, { token: "later-holder" });
    const revision = await write(truth, key, record, { expected: first });
    await healed();
    expect(await truth.get(key)).toMatchObject({ key, record, revision });
  });

  it("is recognised by its token after it replaced a tombstone", async () => {
    const removed = await write(truth, key, reservation(of));
    await remove(truth, key, removed);
    const record = reservation(of, { token: "mine" });
    const how = { expected: 0, ttlMs: LONG_MS };
    proxy.swallowAnswersTo(`Nats-Expected-Last-Subject-Sequence: ${removed + 1}`);
    expect(await failure(store.put(key, record, how))).toMatchObject({ ambiguous: true });
    const stored = await truth.get(key);
    expect(stored?.record).toEqual(record);
    await healed();
    expect(await store.put(key, record, how)).toEqual({ ok: false, current: stored });
  });

  it("may be a removal: the repeat is refused, and the key is empty", async () => {
    const revision = await write(store, key, reservation(of));
    proxy.answers("swallow");
    expect(await failure(store.remove(key, { expected: revision }))).toMatchObject({ ambiguous: true });
    await healed();
    expect(await store.remove(key, { expected: revision })).toEqual({ ok: false });
    expect(await store.get(key)).toBeUndefined();
  });

  it("is ambiguous if it was refused and the conflicting record cannot be read", async () => {
    await write(truth, key, reservation(of, { token: "another" }));
    proxy.swallowAnswersTo("$JS.API.STREAM.MSG.GET");
    const put = store.put(key, reservation(of, { token: "mine" }), { expected: 0, ttlMs: LONG_MS });
    expect(await failure(put)).toMatchObject({ ambiguous: true, cause: { ambiguous: false } });
    await healed();
  });

  it("is ambiguous if the connection closes before the answer", async () => {
    const to = await connected(proxy);
    const other = await natsStore(to, { bucket: `ambiguous-${tests}` });
    proxy.answers("hold");
    const put = failure(other.put(key, reservation(of), { expected: 0, ttlMs: LONG_MS }));
    await eventually("the write to arrive", async () => (await truth.get(key)) ?? undefined);
    await to.close();
    expect(await put).toMatchObject({ ambiguous: true });
    await healed();
  });
});

describe("a read without an answer", () => {
  it("fails and changes nothing", async () => {
    await write(store, key, reservation(of));
    proxy.answers("swallow");
    expect(await failure(store.get(key))).toMatchObject({ ambiguous: false });
    expect(await failure(collected(store.list({})))).toMatchObject({ ambiguous: false });
    expect(await failure(collected(store.watch({}, AbortSignal.timeout(30_000))))).toMatchObject({ ambiguous: false });
    await healed();
    expect(await collected(store.list({}))).toHaveLength(1);
  });

  it("fails if only half of a list arrived", async () => {
    // More than the server sends in one response.
    const many = Array.from({ length: 200 }, (_, index) => identity(`evt-${index}`));
    const result = "x".repeat(60_000);
    await Promise.all(many.map((at) => write(truth, at.storeKey, commit(at, { result }))));
    const listed: string[] = [];
    const error = await failure(
      (async () => {
        for await (const entry of store.list({})) {
          listed.push(entry.key);
          if (listed.length === 1) proxy.answers("swallow");
        }
      })(),
    );
    expect(error).toMatchObject({ ambiguous: false });
    expect(listed.length).toBeGreaterThan(0);
    expect(listed.length).toBeLessThan(many.length);
    await healed();
  });
});

describe("a lost connection", () => {
  it("is used again by the store and a watch after the reconnect", async () => {
    await using watch = streamedItems((signal) => store.watch({}, signal));
    const revisions = (): number[] => watch.items.map(revisionOf);
    let expected = 0;
    await eventually("the watch to report a write", async () => {
      expected = await write(store, key, reservation(of), { expected });
      return watch.items.length > 0 || undefined;
    });
    proxy.cut();
    expect(await failure(store.put(key, commit(of), { expected, ttlMs: LONG_MS }))).toMatchObject({ ambiguous: true });
    const missed = await write(truth, key, reservation(of), { expected });
    await healed();
    await eventually(
      "the watch to report the missed write",
      () => revisions().includes(missed) || undefined,
      RECOVERY_MS,
    );
    const last = await write(store, key, commit(of), { expected: missed });
    await eventually("the watch to continue", () => revisions().includes(last) || undefined, RECOVERY_MS);
    expect(revisions()).toEqual([...new Set(revisions())].sort((a, b) => a - b));
    await watch.stop();
  });
});

describe("a closed connection", () => {
  it("ends a watch with an error", async () => {
    const to = await connected(server);
    const other = await natsStore(to, { bucket: `ambiguous-${tests}` });
    let hasHeard = false;
    const watching = failure(
      (async () => {
        for await (const _ of other.watch({}, AbortSignal.timeout(60_000))) hasHeard = true;
      })(),
    );
    let expected = 0;
    await eventually("the watch to report a write", async () => {
      expected = await write(truth, key, reservation(of), { expected });
      return hasHeard || undefined;
    });
    await to.close();
    expect(await watching).toMatchObject({ ambiguous: false });
  });
});

describe("a killed server", () => {
  it("keeps acknowledged records with their time to live when it restarts", async () => {
    await using other = await startNats({ jetstreamConfig: "sync_interval: always" });
    await using to = await connected(other, { maxReconnectAttempts: -1, reconnectTimeWait: 20 });
    const kept = await natsStore(to, { bucket: "kept", timeoutMs: 1_000 });
    const [long, short] = [identity("long"), identity("short")];
    const revision = await write(kept, long.storeKey, commit(long));
    await write(kept, short.storeKey, reservation(short), { ttlMs: 2_000 });
    await other.kill("SIGKILL");
    await failure(kept.put(key, reservation(of), { expected: 0, ttlMs: LONG_MS }));
    await other.restart();
    await eventually("the store to answer", async () => (await kept.get(long.storeKey)) ?? undefined);
    expect(await kept.get(long.storeKey)).toMatchObject({ key: long.storeKey, record: commit(long), revision });
    await eventually("the short one to end", async () => (await kept.get(short.storeKey)) === undefined || undefined);
    expect(await write(kept, short.storeKey, reservation(short))).toBeGreaterThan(revision);
  });
});
