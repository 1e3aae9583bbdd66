import type { NatsConnection } from "@nats-io/nats-core";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { Deduplicator } from "../../src/deduplicator.ts";
import { natsStore } from "../../src/nats/index.ts";
import { collected } from "../support/collected.ts";
import { diagnosed } from "../support/diagnosis.ts";
import { connected, makeBucket, manager } from "../support/nats-bucket.ts";
import { type NatsServer, startNats } from "../support/nats-server.ts";
import { type FakeIoOptions, run } from "./support/fake-io.ts";

let server: NatsServer;
let admin: NatsConnection;
beforeAll(async () => {
  const guest = `{ user: guest, password: x, permissions: { publish: { allow: ">", deny: ["$JS.API.STREAM.NAMES"] } } }`;
  server = await startNats({ config: `authorization { users: [{ user: admin, password: x }, ${guest}] }` });
  admin = await connected(server, { user: "admin", pass: "x" });
});
afterAll(async () => {
  await admin.close();
  await server.stop();
});

const IDS = Array.from({ length: 20 }, (_, index) => String(index));
let names = 0;
let bucket: string;
let dedup: Deduplicator;
beforeEach(async () => {
  names += 1;
  bucket = `shared${names}`;
  dedup = new Deduplicator({ store: await natsStore(admin, { bucket, shards: 3 }), owner: "web-1" });
  for (const eventId of IDS) await dedup.guard({ subscriptionId: "billing", eventId }, () => "");
});

const env = (user: string): FakeIoOptions => ({ env: { NATS_URL: `${user}:x@127.0.0.1:${server.port}` } });
const command = (...argv: readonly string[]) => run([...argv, "--bucket", bucket], env("admin"));
const doctor = () => diagnosed({ url: `admin:x@127.0.0.1:${server.port}` }, ["--bucket", bucket]);

describe("the commands for a bucket with three shards", () => {
  it("list its buckets as one", async () => {
    const { exitCode, objects } = await command("list", "--json");
    expect(exitCode).toBe(0);
    expect(new Set(objects().map(({ eventId }) => eventId))).toEqual(new Set(IDS));
    expect(objects()).toHaveLength(IDS.length);
    expect(new Set(objects().map((one) => one["bucket"]))).toEqual(
      new Set([1, 2, 3].map((index) => `${bucket}-${index}-of-3`)),
    );
    expect((await command("list")).out).toMatch(/^KEY +BUCKET +EVENT/);
  });

  it("show and clear keys as in one bucket", async () => {
    for (const eventId of IDS) expect((await command("show", "billing", eventId)).exitCode).toBe(0);
    expect((await command("clear", "billing", "7", "--yes")).out).toMatch(/\nCleared 1 key\.\n$/);
    expect((await command("show", "billing", "7")).exitCode).toBe(1);
    expect((await command("clear", "--all", "--yes")).out).toMatch(/\nCleared 19 keys\.\n$/);
    expect(await collected(dedup.list())).toEqual([]);
  });

  it("show a subject of one of its buckets, but not of its plain name", async () => {
    await admin.request(`$KV.${bucket}-2-of-3.foreign`, "{}");
    expect(await command("show", `$KV.${bucket}-2-of-3.foreign`)).toMatchObject({
      exitCode: 0,
      out: expect.stringContaining("bucket    shared"),
    });
    expect(await command("show", `$KV.${bucket}.foreign`)).toMatchObject({
      exitCode: 2,
      err: expect.stringContaining("is not a key"),
    });
  });

  it("need --shards if the user may not list streams", async () => {
    const argv = ["list", "--json", "--bucket", bucket];
    expect(await run(argv, env("guest"))).toMatchObject({
      exitCode: 2,
      err: expect.stringMatching(
        /^latchkey: There is no bucket .* Correct --bucket, --shards or --domain, or start a replica/,
      ),
    });
    expect(await run(["reshard", "--bucket", bucket, "--to", "2"], env("guest"))).toMatchObject({
      exitCode: 2,
      err: expect.stringMatching(/Nothing was changed\. Grant the permission, or use other credentials\n$/),
    });
    expect((await run([...argv, "--shards", "3"], env("guest"))).objects()).toHaveLength(IDS.length);
  });

  it("examine its buckets as one", async () => {
    const found = await doctor();
    expect(found.bad).toEqual([]);
    expect(found.of("bucket", "shards")).toMatchObject([{ severity: "ok", evidence: "all 3 shards exist" }]);
    expect(found.of("bucket", "settings")).toHaveLength(1);
    expect(found.of("records", "keys")).toMatchObject([{ evidence: "20 committed" }]);
  });

  it("find the bucket with wrong settings and the missing one", async () => {
    const jsm = await manager(admin);
    for (const index of [2, 3]) await jsm.streams.update(`KV_${bucket}-${index}-of-3`, { discard: "old" });
    const wrong = await doctor();
    expect([wrong.exitCode, wrong.bad]).toEqual([1, ["error bucket discard"]]);
    expect(wrong.of("bucket", "discard")).toMatchObject([
      {
        evidence: expect.stringMatching(`^${bucket}-2-of-3, ${bucket}-3-of-3: \`discard\` is "old", must be "new"`),
        remedy: `nats stream edit KV_${bucket}-2-of-3 --discard=new; repeat for the other buckets`,
      },
    ]);
    await jsm.streams.delete(`KV_${bucket}-2-of-3`);
    expect((await doctor()).of("bucket", "shards")).toMatchObject([
      { severity: "error", evidence: `${bucket}-2-of-3 does not exist: no replica can start` },
    ]);
  });

  it("report an error if buckets for another number of shards exist", async () => {
    await makeBucket(admin, bucket);
    const { exitCode, of } = await doctor();
    expect(exitCode).toBe(1);
    expect(of("bucket", "shards")).toMatchObject([
      { severity: "error", evidence: "buckets for 1 and 3 shards exist: replicas may use different keys" },
    ]);
    expect((await command("list", "--json")).objects()).toHaveLength(IDS.length);
  });
});
