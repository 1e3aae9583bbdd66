import { jetstream } from "@nats-io/jetstream";
import { Kvm } from "@nats-io/kv";
import { describe, expect, it } from "vitest";
import { RecordUnreadableError } from "../../../src/errors.ts";
import type { StoreKey } from "../../../src/model/identity.ts";
import type { Entry } from "../../../src/model/store.ts";
import { type NatsStore, natsStore } from "../../../src/nats/index.ts";
import { collected } from "../../support/collected.ts";
import { eventually } from "../../support/eventually.ts";
import { manager } from "../../support/nats-bucket.ts";
import { realTime } from "../../support/nats-store-under-test.ts";
import {
  assertAlive,
  assertExpires,
  commit,
  identity,
  LONG_MS,
  remove,
  reservation,
  write,
} from "../../support/store-contract-fixture.ts";
import { streamedItems } from "../../support/streamed-items.ts";
import { useNatsServer } from "../../support/use-nats-server.ts";

const nats = useNatsServer();

const of = identity("evt-1");
const { storeKey: key } = of;

/** Returns the message under a key as another client reads it. */
async function stored(bucket: string, at: StoreKey) {
  const jsm = await manager(nats.connection);
  return jsm.streams.getMessage(`KV_${bucket}`, { last_by_subj: `$KV.${bucket}.${at}` });
}

async function consumersOf(bucket: string): Promise<number> {
  return (await (await manager(nats.connection)).streams.info(`KV_${bucket}`)).state.consumer_count;
}

describe("a write", () => {
  it("has its expected revision and its time to live in whole seconds, rounded up, and no message id", async () => {
    const store = await natsStore(nats.connection, { bucket: "headers" });
    const times: ReadonlyArray<readonly [ttlMs: number, ttl: string]> = [
      [1, "1s"],
      [1_000, "1s"],
      [1_001, "2s"],
      [32_000, "32s"],
      [86_400_000, "86400s"],
    ];
    let expected = 0;
    for (const [ttlMs, ttl] of times) {
      const before = String(expected);
      expected = await write(store, key, reservation(of), { expected, ttlMs });
      const message = await stored("headers", key);
      expect(message?.header.get("Nats-TTL")).toBe(ttl);
      expect(message?.header.get("Nats-Expected-Last-Subject-Sequence")).toBe(before);
      expect(message?.header.get("Nats-Expected-Stream")).toBe("KV_headers");
      expect(message?.header.has("Nats-Msg-Id")).toBe(false);
      expect(message?.json()).toEqual(reservation(of));
    }
  });

  it("F3 keeps a time to live when it updates a key, unlike the key-value client's", async () => {
    const store = await natsStore(nats.connection, { bucket: "update" });
    const made = realTime(store);
    const [ours, theirs] = [identity("ours"), identity("theirs")];
    const first = await write(store, ours.storeKey, reservation(ours), { ttlMs: 1_000 });
    await write(store, ours.storeKey, commit(ours), { expected: first, ttlMs: 1_000 });
    const other = await write(store, theirs.storeKey, reservation(theirs), { ttlMs: 1_000 });
    const kv = await new Kvm(nats.connection).open("update");
    await kv.update(theirs.storeKey, JSON.stringify(commit(theirs)), other);
    const sinceMs = performance.now();
    await assertExpires(made, ours.storeKey);
    await made.pass(2_000);
    await assertAlive(made, theirs.storeKey, sinceMs, LONG_MS);
  });
});

describe("a removal", () => {
  it("F15 is a tombstone that expires, not a purge or a rollup", async () => {
    const store = await natsStore(nats.connection, { bucket: "marks" });
    await remove(store, key, await write(store, key, reservation(of)));
    const mark = await stored("marks", key);
    expect(mark?.data).toHaveLength(0);
    expect(mark?.header.get("KV-Operation")).toBe("DEL");
    expect(mark?.header.get("Nats-TTL")).toBe("1s");
    expect(mark?.header.has("Nats-Rollup")).toBe(false);
    await eventually("the mark to end", async () => (await stored("marks", key)) === null);
    const jsm = await manager(nats.connection);
    expect((await jsm.streams.info("KV_marks")).state.messages).toBe(0);
  });

  it("F11 leaves a tombstone that never expires if an operator did it, and a create replaces it", async () => {
    const store = await natsStore(nats.connection, { bucket: "operator" });
    const kv = await new Kvm(nats.connection).open("operator");
    for (const take of [() => kv.delete(key), () => kv.purge(key)]) {
      const before = await write(store, key, commit(of));
      await take();
      expect(await store.get(key)).toBeUndefined();
      expect(await collected(store.list({}))).toEqual([]);
      expect(await store.remove(key, { expected: before })).toEqual({ ok: false });
      const after = await write(store, key, reservation(of));
      expect(after).toBeGreaterThan(before + 1);
      await remove(store, key, after);
    }
  });

  it("G1 lets one of many concurrent creates replace a tombstone", async () => {
    const store = await natsStore(nats.connection, { bucket: "race" });
    const kv = await new Kvm(nats.connection).open("race");
    for (let round = 0; round < 10; round += 1) {
      const at = identity(`evt-${round}`);
      await kv.delete(at.storeKey);
      const puts = await Promise.all(
        Array.from({ length: 20 }, (_, index) =>
          store.put(at.storeKey, reservation(at, { token: `token-${index}` }), { expected: 0, ttlMs: LONG_MS }),
        ),
      );
      expect(puts.filter(({ ok }) => ok)).toHaveLength(1);
    }
  });
});

describe("a record of another program", () => {
  const foreign: ReadonlyArray<readonly [what: string, payload: string, says: string]> = [
    ["text that is not JSON", "hello", "does not hold JSON"],
    ["an empty payload", "", "does not hold JSON"],
    ["another JSON", "[]", "does not hold a Latchkey record"],
    ["a newer version", '{"v":2}', "has version 2; this version of Latchkey reads version 1"],
    ["a record without a field", JSON.stringify({ ...reservation(of), token: "" }), "has no valid `token`"],
  ];

  it.for(foreign)("causes an error that names the key: %s", async ([what, payload, says]) => {
    const bucket = `foreign-${what.replaceAll(" ", "-")}`;
    const store = await natsStore(nats.connection, { bucket });
    const { seq } = await jetstream(nats.connection).publish(`$KV.${bucket}.${key}`, payload);
    for (const call of [() => store.get(key), () => put(store, 0)]) {
      await expect(call()).rejects.toThrow(RecordUnreadableError);
      await expect(call()).rejects.toMatchObject({ code: "record-unreadable" });
      await expect(call()).rejects.toThrow(`${key} in bucket ${bucket}`);
      await expect(call()).rejects.toThrow(says);
    }
    expect(await put(store, seq + 1)).toEqual({ ok: false });
    expect((await stored(bucket, key))?.seq).toBe(seq);
  });

  it("makes a list fail after every readable entry", async () => {
    const store = await natsStore(nats.connection, { bucket: "mixed" });
    const js = jetstream(nats.connection);
    await js.publish(`$KV.mixed.${key}`, "hello");
    await js.publish("$KV.mixed.some.other.key", "hello");
    await js.publish("$KV.mixed.short", "not listed");
    const [one, two] = [identity("one"), identity("two")];
    await write(store, one.storeKey, commit(one));
    await write(store, two.storeKey, commit(two));
    const listed: Entry[] = [];
    const listing = (async () => {
      for await (const entry of store.list({})) listed.push(entry);
    })();
    await expect(listing).rejects.toThrow(RecordUnreadableError);
    await expect(listing).rejects.toThrow(`${key} in bucket mixed`);
    expect(listed.map((entry) => entry.key)).toEqual([one.storeKey, two.storeKey]);
  });

  it("ends a watch, and a new one can start", async () => {
    const store = await natsStore(nats.connection, { bucket: "watched" });
    const js = jetstream(nats.connection);
    for (const [subject, says] of [
      [`$KV.watched.${key}`, `${key} in bucket watched does not hold JSON`],
      ["$KV.watched.some.other.key", "$KV.watched.some.other.key does not have a Latchkey key"],
    ] as const) {
      let ended: unknown;
      const watching = collected(store.watch({}, AbortSignal.timeout(60_000))).catch((error: unknown) => {
        ended = error;
      });
      await eventually("the watch to end", async () => {
        await js.publish(subject, "hello");
        return ended;
      });
      await watching;
      expect(ended).toBeInstanceOf(RecordUnreadableError);
      expect(ended).toMatchObject({ message: expect.stringContaining(says) });
    }
  });

  function put(store: NatsStore, expected: number) {
    return store.put(key, reservation(of), { expected, ttlMs: LONG_MS });
  }
});

describe("a list and a watch", () => {
  it("leave nothing on the server", async () => {
    const store = await natsStore(nats.connection, { bucket: "tidy" });
    const at = identity("evt-1");
    let expected = await write(store, at.storeKey, commit(at));
    await collected(store.list({}));
    for await (const _ of store.list({})) break;
    expect(await consumersOf("tidy")).toBe(0);

    await using watch = streamedItems((signal) => store.watch({}, signal));
    await eventually("the watch to report a write", async () => {
      expected = await write(store, at.storeKey, commit(at), { expected });
      return watch.items.length > 0 || undefined;
    });
    expect(await consumersOf("tidy")).toBe(1);
    await watch.stop();
    await eventually("the consumer to be gone", async () => (await consumersOf("tidy")) === 0 || undefined);
  });

  it("survive the loss of the watch's consumer, and the watch reports missed writes", async () => {
    const store = await natsStore(nats.connection, { bucket: "lost" });
    await using watch = streamedItems((signal) => store.watch({}, signal));
    const at = identity("evt-1");
    let expected = 0;
    await eventually("the watch to report a write", async () => {
      expected = await write(store, at.storeKey, reservation(at), { expected });
      return watch.items.length > 0 || undefined;
    });
    const jsm = await manager(nats.connection);
    const [lost] = await jsm.consumers.list("KV_lost").next();
    await jsm.consumers.delete("KV_lost", lost?.name ?? "");
    const missed = await write(store, at.storeKey, commit(at), { expected });
    await eventually("the watch to report the missed write", () =>
      watch.items.some((change) => change.type === "put" && change.entry.revision === missed),
    );
    await watch.stop();
  });

  it("work during writes, and the list contains every key that existed throughout", async () => {
    const store = await natsStore(nats.connection, { bucket: "busy" });
    const keys = Array.from({ length: 1_500 }, (_, index) => identity(`evt-${index}`));
    const revisions = await Promise.all(keys.map((at) => write(store, at.storeKey, reservation(at))));
    const listing = new AbortController();
    const keepWriting = async (): Promise<void> => {
      for (let index = 0; !listing.signal.aborted; index = (index + 7) % keys.length) {
        const at = keys[index] ?? of;
        revisions[index] = await write(store, at.storeKey, reservation(at), { expected: revisions[index] ?? 0 });
      }
    };
    const listAgainAndAgain = async (): Promise<void> => {
      for (let round = 0; round < 5; round += 1) {
        const listed = new Set((await collected(store.list({}))).map((entry) => entry.key));
        expect(keys.filter((at) => !listed.has(at.storeKey))).toEqual([]);
      }
    };
    await Promise.all([keepWriting(), listAgainAndAgain().finally(() => listing.abort())]);
  });
});
