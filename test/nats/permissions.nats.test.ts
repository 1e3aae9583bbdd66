import type { NatsConnection } from "@nats-io/nats-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { StoreMisconfiguredError } from "../../src/errors.ts";
import { natsStore } from "../../src/nats/index.ts";
import { collected } from "../support/collected.ts";
import { eventually } from "../support/eventually.ts";
import { connected } from "../support/nats-bucket.ts";
import { type NatsServer, startNats } from "../support/nats-server.ts";
import { realTime } from "../support/nats-store-under-test.ts";
import {
  assertHolds,
  commit,
  identity,
  LONG_MS,
  remove,
  reservation,
  write,
} from "../support/store-contract-fixture.ts";
import { streamedItems } from "../support/streamed-items.ts";

const bucket = "dedup";
const writes = "$KV.dedup.>";
const reads = "$JS.API.STREAM.MSG.GET.KV_dedup";
const readsInfo = "$JS.API.STREAM.INFO.KV_dedup";
const lists = "$JS.API.DIRECT.GET.KV_dedup";
const watches = ["CREATE.KV_dedup.>", "INFO.KV_dedup.*", "MSG.NEXT.KV_dedup.*", "DELETE.KV_dedup.*"].map(
  (what) => `$JS.API.CONSUMER.${what}`,
);
const creates = "$JS.API.STREAM.CREATE.KV_dedup";
const names = "$JS.API.STREAM.NAMES";

/** Subjects that each user may publish to, by user name. Each user has its own inbox. */
const users: Readonly<Record<string, readonly string[]>> = {
  replica: [writes, reads, readsInfo],
  hasty: [writes, reads, readsInfo, creates],
  namer: [writes, reads, readsInfo, names],
  creator: [writes, reads, readsInfo, creates, names],
  lister: [writes, reads, readsInfo, lists],
  watcher: [writes, reads, readsInfo, ...watches],
  blind: [writes, readsInfo],
  mute: [reads, readsInfo],
  stranger: [writes, reads],
};

let server: NatsServer;
let admin: NatsConnection;
beforeAll(async () => {
  const allowed = Object.entries(users).map(
    ([user, publish]) =>
      `{ user: ${user}, password: secret, permissions: { publish: ${JSON.stringify(publish)}, subscribe: "_INBOX_${user}.>" } }`,
  );
  server = await startNats({
    config: `authorization { users: [{ user: admin, password: secret }, ${allowed.join(", ")}] }`,
  });
  admin = await login("admin", "_INBOX");
});
afterAll(async () => {
  await admin.close();
  await server.stop();
});

function login(user: string, inboxPrefix = `_INBOX_${user}`) {
  return connected(server, { user, pass: "secret", inboxPrefix });
}

const of = identity("evt-1");
const { storeKey: key } = of;

describe("the permissions of a connection", () => {
  it("must include the creation of a bucket that does not exist", async () => {
    await using replica = await login("replica");
    const opening = natsStore(replica, { bucket });
    await expect(opening).rejects.toThrow(StoreMisconfiguredError);
    await expect(opening).rejects.toThrow("There is no bucket dedup: the connection may not create it without a check");
    await using namer = await login("namer");
    await expect(natsStore(namer, { bucket })).rejects.toMatchObject({
      code: "store-misconfigured",
      differences: ["the connection may not create it"],
    });
    await using hasty = await login("hasty");
    await expect(natsStore(hasty, { bucket })).rejects.toThrow("allow `$JS.API.STREAM.NAMES`");
    await using creator = await login("creator");
    await natsStore(creator, { bucket });
  });

  it("suffice if they include writing keys, reading keys and reading the bucket's information", async () => {
    await using replica = await login("replica");
    const made = realTime(await natsStore(replica, { bucket }));
    const store = await natsStore(replica, { bucket, storage: "file" });
    const first = await write(store, key, reservation(of));
    expect(await store.put(key, reservation(of), { expected: 0, ttlMs: LONG_MS })).toMatchObject({ ok: false });
    const second = await write(store, key, commit(of), { expected: first });
    await assertHolds(made, key, { record: commit(of), revision: second });
    await remove(store, key, second);
    await remove(store, key, await write(store, key, reservation(of)));
    await assertHolds(made, key, undefined);
  });

  it("are named in the error if one is missing", async () => {
    await natsStore(admin, { bucket });
    await using blind = await login("blind");
    await using mute = await login("mute");
    await using stranger = await login("stranger");
    const unreadable = await natsStore(blind, { bucket });
    await expect(unreadable.get(key)).rejects.toMatchObject({
      code: "store-forbidden",
      message: `Bucket dedup cannot be read: the connection may not publish to ${reads}`,
    });
    const unwritable = await natsStore(mute, { bucket });
    await expect(unwritable.put(key, reservation(of), { expected: 0, ttlMs: LONG_MS })).rejects.toMatchObject({
      code: "store-forbidden",
      message: `Bucket dedup cannot be written: the connection may not publish to $KV.dedup.${key}`,
    });
    await expect(natsStore(stranger, { bucket })).rejects.toMatchObject({
      code: "store-forbidden",
      message: `Bucket dedup cannot be read: the connection may not publish to ${readsInfo}`,
    });
  });

  it("must include one more permission for a list", async () => {
    await using replica = await login("replica");
    await using lister = await login("lister");
    const store = await natsStore(lister, { bucket });
    await write(store, key, reservation(of));
    expect((await collected(store.list({}))).map((entry) => entry.key)).toEqual([key]);
    const without = await natsStore(replica, { bucket });
    await expect(collected(without.list({}))).rejects.toMatchObject({
      code: "store-forbidden",
      message: `Bucket dedup cannot be read: the connection may not publish to ${lists}`,
    });
  });

  it("must include the permissions of a consumer for a watch", async () => {
    await using replica = await login("replica");
    await using watcher = await login("watcher");
    const store = await natsStore(watcher, { bucket });
    const at = identity("evt-watched");
    let expected = 0;
    await using watch = streamedItems((signal) => store.watch({}, signal));
    await eventually("the watch to report a write", async () => {
      expected = await write(store, at.storeKey, reservation(at), { expected });
      return watch.items.length > 0 || undefined;
    });
    const without = await natsStore(replica, { bucket });
    await expect(collected(without.watch({}, AbortSignal.timeout(60_000)))).rejects.toMatchObject({
      code: "store-forbidden",
      message: expect.stringContaining("the connection may not publish to $JS.API.CONSUMER.CREATE.KV_dedup."),
    });
  });
});
