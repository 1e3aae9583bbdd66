import { DiscardPolicy, PersistMode, RetentionPolicy, type StreamConfig } from "@nats-io/jetstream";
import { Kvm } from "@nats-io/kv";
import type { NatsConnection } from "@nats-io/nats-core";
import { describe, expect, it } from "vitest";
import { fromDebian } from "../../../scripts/nats-server.mjs";
import { StoreMisconfiguredError, StoreUnavailableError } from "../../../src/errors.ts";
import { type NatsStoreOptions, natsStore } from "../../../src/nats/index.ts";
import { checkNatsServer } from "../../../src/nats/kv/bucket.ts";
import { connected, makeBucket, manager } from "../../support/nats-bucket.ts";
import { startNats } from "../../support/nats-server.ts";
import { commit, identity, LONG_MS, reservation, write } from "../../support/store-contract-fixture.ts";
import { useNatsServer } from "../../support/use-nats-server.ts";

const nats = useNatsServer({ jetstreamConfig: "max_file_store: 64MB" });

async function settings(bucket: string): Promise<StreamConfig> {
  const jsm = await manager(nats.connection);
  return (await jsm.streams.info(`KV_${bucket}`)).config;
}

/** Returns the problems that `natsStore` reports. */
async function complaints(options: NatsStoreOptions, on = nats.connection): Promise<readonly string[]> {
  const error: unknown = await natsStore(on, options).catch((reason: unknown) => reason);
  if (!(error instanceof StoreMisconfiguredError)) throw new Error("it was not misconfigured", { cause: error });
  expect(error.code).toBe("store-misconfigured");
  for (const difference of error.differences) expect(error.message).toContain(difference);
  return error.differences;
}

describe("a bucket that natsStore creates", () => {
  it("is an ordinary key-value bucket whose records expire without limit markers", async () => {
    await natsStore(nats.connection, { bucket: "new" });
    expect(await settings("new")).toMatchObject({
      subjects: ["$KV.new.>"],
      retention: "limits",
      storage: "file",
      num_replicas: 1,
      max_msgs_per_subject: 1,
      max_msgs: -1,
      max_bytes: -1,
      max_age: 7 * 86_400 * 1e9,
      discard: "new",
      allow_msg_ttl: true,
      allow_direct: true,
      allow_rollup_hdrs: true,
      // A server without support for batches omits it.
      ...(nats.connection.info?.version.startsWith("2.11.") ? {} : { allow_atomic: true }),
      deny_delete: true,
    });
    expect(await settings("new")).not.toHaveProperty("subject_delete_marker_ttl");
  });

  it("has the settings from the options", async () => {
    const store = await natsStore(nats.connection, {
      bucket: "made",
      storage: "memory",
      replicas: 1,
      maxWindowMs: 90_500,
      maxBytes: 1_000_000,
    });
    expect(store.maxWindowMs).toBe(90_500);
    expect(await settings("made")).toMatchObject({
      storage: "memory",
      max_age: 90_500 * 1e6,
      duplicate_window: 90_500 * 1e6,
      max_bytes: 1_000_000,
    });
  });

  it("can be read with any key-value client", async () => {
    const store = await natsStore(nats.connection, { bucket: "readable" });
    const of = identity("evt-1");
    const revision = await write(store, of.storeKey, commit(of));
    const kv = await new Kvm(nats.connection).open("readable");
    const entry = await kv.get(of.storeKey);
    expect(entry?.revision).toBe(revision);
    expect(entry?.json()).toEqual(commit(of));
  });

  it("G5 continues with higher revisions after a bucket of its name was deleted, so an old write changes nothing", async () => {
    const before = await natsStore(nats.connection, { bucket: "anew" });
    const of = identity("evt-1");
    const old = await write(before, of.storeKey, reservation(of, { token: "before" }));
    await (await manager(nats.connection)).streams.delete("KV_anew");
    const after = await natsStore(nats.connection, { bucket: "anew" });
    const later = await write(after, of.storeKey, reservation(of, { token: "after" }));
    expect(later).toBeGreaterThan(old);
    const how = { expected: old, ttlMs: LONG_MS };
    expect(await before.put(of.storeKey, commit(of, { token: "before", fence: old }), how)).toEqual({ ok: false });
    expect(await before.remove(of.storeKey, how)).toEqual({ ok: false });
    expect(await after.get(of.storeKey)).toMatchObject({ revision: later, record: { token: "after" } });
  });

  it("is created once by any number of replicas at the same time", async () => {
    const options = { bucket: "together", maxWindowMs: 60_000 };
    const stores = await Promise.all(Array.from({ length: 8 }, () => natsStore(nats.connection, options)));
    expect(stores).toHaveLength(8);
  });

  it("is not created twice: the later replica with other options is refused", async () => {
    const windows = [60_000, 61_000, 62_000];
    const results = await Promise.allSettled(
      windows.map((maxWindowMs) => natsStore(nats.connection, { bucket: "disputed", maxWindowMs })),
    );
    const refusals = results.filter((result) => result.status === "rejected");
    expect(refusals).toHaveLength(2);
    for (const { reason } of refusals) {
      expect(reason).toBeInstanceOf(StoreMisconfiguredError);
      expect(reason).toMatchObject({ differences: [expect.stringContaining("`max_age` is ")] });
    }
  });

  it("is refused with the server's reason if the server cannot create it", async () => {
    expect(await complaints({ bucket: "three", replicas: 3 })).toEqual([expect.stringContaining("the server says")]);
    expect(await complaints({ bucket: "large", maxBytes: 1e12 })).toEqual([expect.stringContaining("the server says")]);
  });
});

describe("an existing bucket", () => {
  it("is used as it is if no option differs", async () => {
    await makeBucket(nats.connection, "old", { max_bytes: 5_000_000, max_age: 2_500_000_000 });
    const store = await natsStore(nats.connection, { bucket: "old" });
    expect(store.maxWindowMs).toBe(2_500);
    await natsStore(nats.connection, {
      bucket: "old",
      storage: "file",
      replicas: 1,
      maxBytes: 5_000_000,
      maxWindowMs: 2_500,
    });
  });

  it("keeps windows of up to a hundred years if it has no limit", async () => {
    await makeBucket(nats.connection, "endless", { max_age: 0 });
    const store = await natsStore(nats.connection, { bucket: "endless" });
    expect(store.maxWindowMs).toBe(100 * 365 * 86_400_000);
    const of = identity("evt-1");
    await write(store, of.storeKey, commit(of), { ttlMs: store.maxWindowMs });
    expect(await store.get(of.storeKey)).toBeDefined();
  });

  it("is refused with every difference from the options", async () => {
    await makeBucket(nats.connection, "other", { max_bytes: 5_000_000 });
    const options = { bucket: "other", storage: "memory", replicas: 3, maxBytes: 1_000, maxWindowMs: 1_000 } as const;
    expect(await complaints(options)).toEqual([
      '`storage` is "file", must be "memory": the option `storage` says so',
      "`num_replicas` is 1, must be 3: the option `replicas` says so",
      "`max_bytes` is 5000000, must be 1000: the option `maxBytes` says so",
      "`max_age` is 3600000000000, must be 1000000000: the option `maxWindowMs` says so",
    ]);
  });

  const unsafe: ReadonlyArray<readonly [setting: keyof StreamConfig, changes: Partial<StreamConfig>]> = [
    ["allow_msg_ttl", { allow_msg_ttl: false }],
    ["subject_delete_marker_ttl", { subject_delete_marker_ttl: 1_000_000_000, allow_rollup_hdrs: true }],
    ["max_msgs_per_subject", { max_msgs_per_subject: 2 }],
    ["discard", { discard: DiscardPolicy.Old }],
    ["discard_new_per_subject", { discard_new_per_subject: true }],
    ["retention", { retention: RetentionPolicy.Interest }],
    ["max_msgs", { max_msgs: 1_000 }],
    ["persist_mode", { persist_mode: PersistMode.Async }],
    ["no_ack", { no_ack: true }],
    ["deny_delete", { deny_delete: false }],
    ["allow_direct", { allow_direct: false }],
    ["subjects", { subjects: ["$KV.subjects.>", "more"] }],
    ["sources", { sources: [{ name: "KV_other-source" }] }],
    ["subject_transform", { subject_transform: { src: "$KV.subject_transform.>", dest: "$KV.subject_transform.x.>" } }],
  ];
  it.each(unsafe)("is refused for its `%s`", async (setting, changes) => {
    await makeBucket(nats.connection, setting, changes);
    expect(await complaints({ bucket: setting })).toEqual([expect.stringContaining(`\`${setting}\` is `)]);
  });

  it("is refused if it is sealed", async () => {
    await makeBucket(nats.connection, "shut");
    const jsm = await manager(nats.connection);
    const { config } = await jsm.streams.info("KV_shut");
    await jsm.streams.update("KV_shut", Object.assign(config, { sealed: true }));
    expect(await complaints({ bucket: "shut" })).toContainEqual(expect.stringContaining("`sealed` is true"));
  });

  it("is refused if it is a mirror", async () => {
    await makeBucket(nats.connection, "origin");
    const jsm = await manager(nats.connection);
    await jsm.streams.add({ name: "KV_mirror", mirror: { name: "KV_origin" }, max_msgs_per_subject: 1 });
    expect(await complaints({ bucket: "mirror" })).toContainEqual(expect.stringContaining("`mirror` is {"));
  });

  it("is refused with every missing setting if the key-value client created it", async () => {
    await new Kvm(nats.connection).create("plain", { history: 5 });
    expect(await complaints({ bucket: "plain" })).toEqual([
      expect.stringContaining("`allow_msg_ttl` is false, must be true: without it no reservation ever ends"),
      expect.stringContaining("`max_msgs_per_subject` is 5, must be 1"),
      expect.stringContaining("`deny_delete` is false, must be true"),
    ]);
  });
});

describe("the server", () => {
  it.each(["2.11.10", "v2.11.17", "2.12.1", "2.12.1-RC.2", "2.15.0-dev", "3.0.0"])(
    "is accepted with version %s",
    (version) => {
      checkNatsServer(version);
    },
  );

  it.each(["2.11.9", "2.12.0", "2.10.29", "1.99.99", "", "next"])("is refused with version %s", (version) => {
    expect(() => checkNatsServer(version)).toThrow(StoreMisconfiguredError);
  });

  it.each([
    ["2.9.20", "lets several writers win the same reservation"],
    ["2.10.29", "ignores the time to live, so a reservation never ends"],
    ["2.11.9", "can miss the end of a time to live"],
    ["2.12.0", "can miss the end of a time to live"],
    ["next", "does not report a version that can be checked"],
  ])("is refused with the reason that applies to version %s", (version, why) => {
    expect(() => checkNatsServer(version)).toThrow(why);
    expect(() => checkNatsServer(version)).toThrow("Latchkey needs nats-server 2.11.10 or later, and not 2.12.0");
  });

  it.for(["bookworm", "trixie"])(
    "is refused and left unchanged if it is as old as that of Debian %s",
    async (suite, { skip }) => {
      const binary = await fromDebian(suite).catch((reason: unknown) => skip(`no older server: ${String(reason)}`));
      await using old = await startNats({ binary: binary.path });
      await using to = await connected(old);
      expect(await complaints({ bucket: "any" }, to)).toEqual([
        expect.stringContaining(`its version is ${binary.version}`),
      ]);
      const jsm = await manager(to);
      await expect(jsm.streams.info("KV_any")).rejects.toMatchObject({ code: 10_059 });
    },
  );

  it("is unavailable without JetStream and after the connection closed", async () => {
    await using bare = await startNats({ jetstream: false });
    await using to = await connected(bare);
    const opening = natsStore(to, { bucket: "any" });
    await expect(opening).rejects.toThrow(StoreUnavailableError);
    await expect(opening).rejects.toMatchObject({ code: "store-unavailable", ambiguous: false });
    await to.close();
    await expect(natsStore(to, { bucket: "any" })).rejects.toMatchObject({
      code: "store-unavailable",
      ambiguous: false,
    });
  });
});

describe("the arguments of natsStore", () => {
  const wrong: ReadonlyArray<readonly [what: string, options: object, error: typeof TypeError | typeof RangeError]> = [
    ["Expected `bucket` to be a name of letters, digits, `-` and `_`, got `undefined` (undefined)", {}, TypeError],
    ["Expected `bucket` to be a name", { bucket: "a.b" }, TypeError],
    ["Expected `bucket` to be a name", { bucket: "" }, TypeError],
    ["Expected `bucket` to be a name", { bucket: "a\nb" }, TypeError],
    [
      "Expected `replicas` to be a whole number from 1 to 5, got `6` (number)",
      { bucket: "b", replicas: 6 },
      RangeError,
    ],
    ['Expected `storage` to be "file" or "memory"', { bucket: "b", storage: "disk" }, TypeError],
    ["Expected `maxWindowMs` to be a whole number from 1000", { bucket: "b", maxWindowMs: 999 }, RangeError],
    ["Expected `maxWindowMs` to be a whole number", { bucket: "b", maxWindowMs: "1h" }, TypeError],
    ["Expected `maxBytes` to be a whole number of at least 1", { bucket: "b", maxBytes: 0 }, RangeError],
    ["Expected `timeoutMs` to be a whole number from 1 to 2147483647", { bucket: "b", timeoutMs: 0.5 }, RangeError],
    ["Expected `timeoutMs` to be a whole number from 1 to 2147483647", { bucket: "b", timeoutMs: 2 ** 31 }, RangeError],
  ];
  it.each(wrong)("are checked: %s", async (what, options, error) => {
    const opening = natsStore(nats.connection, anyOptions(options));
    await expect(opening).rejects.toThrow(error);
    await expect(opening).rejects.toThrow(what);
  });

  it("must include a connection and options", async () => {
    const none: unknown = null;
    await expect(natsStore(anyConnection(none), { bucket: "b" })).rejects.toThrow("Expected `connection` to be");
    await expect(natsStore(anyConnection({}), { bucket: "b" })).rejects.toThrow("Expected `connection.request` to be");
    await expect(natsStore(nats.connection, anyOptions(none))).rejects.toThrow("Expected `options` to be");
  });
});

/** Lets the tests pass options that the types forbid. */
function anyOptions(value: unknown): NatsStoreOptions {
  const isAny = (_: unknown): _ is NatsStoreOptions => true;
  if (!isAny(value)) throw new Error("unreachable");
  return value;
}

function anyConnection(value: unknown): NatsConnection {
  const isAny = (_: unknown): _ is NatsConnection => true;
  if (!isAny(value)) throw new Error("unreachable");
  return value;
}
