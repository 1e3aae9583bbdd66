import { beforeEach, describe, expect, it } from "vitest";
import { Deduplicator } from "../../../src/deduplicator.ts";
import { StoreMisconfiguredError } from "../../../src/errors.ts";
import { type NatsStoreOptions, natsStore } from "../../../src/nats/index.ts";
import { shardNames } from "../../../src/nats/kv/sharded-store.ts";
import { eventually } from "../../support/eventually.ts";
import { makeBucket, manager } from "../../support/nats-bucket.ts";
import { useNatsServer } from "../../support/use-nats-server.ts";
import { type Ran, run } from "../support/fake-io.ts";

const nats = useNatsServer();
let names = 0;
let bucket: string;
beforeEach(() => {
  names += 1;
  bucket = `reshard${names}`;
});

const IDS = Array.from({ length: 40 }, (_, index) => `evt-${index}`);

const replica = async (shards: number, more: Partial<NatsStoreOptions> = {}): Promise<Deduplicator> =>
  new Deduplicator({ store: await natsStore(nats.connection, { bucket, shards, ...more }), owner: "web-1" });

const event = (eventId: string) => ({ subscriptionId: "billing", eventId });

/** Commits every event and returns the fences. */
async function commitAll(dedup: Deduplicator, ids = IDS): Promise<readonly number[]> {
  const fences: number[] = [];
  for (const id of ids) await dedup.guard(event(id), ({ fence }) => void fences.push(fence));
  return fences;
}

async function outcomes(dedup: Deduplicator, ids = IDS): Promise<ReadonlySet<string>> {
  const all = await Promise.all(ids.map((id) => dedup.guard(event(id), () => "again")));
  return new Set(all.map(({ outcome }) => outcome));
}

function reshard(to: number, ...flags: readonly string[]): Promise<Ran> {
  const argv = ["reshard", "--bucket", bucket, "--to", String(to), ...flags];
  return run(argv, { env: { NATS_URL: nats.server.url } });
}

/** Returns the shard numbers with which a replica can start. */
async function usable(...numbers: readonly number[]): Promise<readonly number[]> {
  const opened: number[] = [];
  for (const shards of numbers) {
    const error: unknown = await natsStore(nats.connection, { bucket, shards }).then(
      () => void opened.push(shards),
      (reason: unknown) => reason,
    );
    if (error !== undefined) expect(error).toBeInstanceOf(StoreMisconfiguredError);
  }
  return opened;
}

async function streams(): Promise<readonly string[]> {
  const found: string[] = [];
  for await (const name of (await manager(nats.connection)).streams.names()) {
    if (name === `KV_${bucket}` || name.startsWith(`KV_${bucket}-`)) found.push(name.slice(3));
  }
  return found.toSorted();
}

/** Returns the expiry of every key, as `latchkey list` shows it. */
async function ends(): Promise<ReadonlyMap<unknown, number>> {
  const { objects } = await run(["list", "--bucket", bucket, "--json"], { env: { NATS_URL: nats.server.url } });
  return new Map(objects().map((key) => [key["eventId"], Number(key["endsAtMs"])]));
}

describe("latchkey reshard", () => {
  it.each([
    [1, 3],
    [3, 2],
    [2, 1],
  ])("G3 G5 keeps every commit from %d to %d shards, and fences rise", async (from, to) => {
    const fences = await commitAll(await replica(from));
    const { exitCode, out, err } = await reshard(to);
    expect({ exitCode, err }).toEqual({ exitCode: 0, err: "" });
    expect(out).toContain(`Moved 40 keys of bucket ${bucket} from ${from} shard`);
    expect(out).toContain(`Now set \`shards: ${to}\` in every replica, and start them.`);
    expect(out).toContain(`The old buckets are kept, closed to replicas: ${shardNames(bucket, from).join(", ")}.`);
    expect(await usable(from, to)).toEqual([to]);
    const dedup = await replica(to);
    expect(await outcomes(dedup)).toEqual(new Set(["duplicate"]));
    const [next = 0] = await commitAll(dedup, ["new"]);
    expect(next).toBeGreaterThan(Math.max(...fences));
    const rereserved = await dedup.clear(event("evt-7"));
    expect(rereserved).toBe(1);
    const [again = 0] = await commitAll(dedup, ["evt-7"]);
    expect(again).toBeGreaterThan(fences[7] ?? Number.POSITIVE_INFINITY);
  });

  it("keeps the settings, the results and the remaining windows", async () => {
    const dedup = await replica(1, { maxWindowMs: 172_800_000, maxBytes: 5_000_000, storage: "memory" });
    await dedup.guard(event("kept"), () => ({ order: 42 }), { keepResult: true });
    await dedup.guard(event("long"), () => "", { windowMs: 3_600_000 });
    await dedup.guard(event("short"), () => "", { windowMs: 5_000 });
    const before = await ends();
    expect((await reshard(2)).exitCode).toBe(0);
    const after = await ends();
    expect([...after.keys()]).toContain("long");
    for (const [id, endsAtMs] of after) {
      expect(endsAtMs - (before.get(id) ?? 0)).toBeGreaterThanOrEqual(-100);
      expect(endsAtMs - (before.get(id) ?? 0)).toBeLessThanOrEqual(3_000);
    }
    const moved = await replica(2, { maxWindowMs: 172_800_000, maxBytes: 5_000_000, storage: "memory" });
    expect(await moved.guard(event("kept"), () => "again")).toMatchObject({
      outcome: "duplicate",
      value: { order: 42 },
    });
    await eventually("the short window to end", async () => ((await moved.peek(event("short"))) ? undefined : true));
    expect(await outcomes(moved, ["short"])).toEqual(new Set(["dispatched"]));
    expect(await outcomes(moved, ["long"])).toEqual(new Set(["duplicate"]));
  });

  it("keeps keys of a bucket without a limit", async () => {
    await makeBucket(nats.connection, bucket, { max_age: 0 });
    await commitAll(await replica(1));
    // Writes without a time to live, like an operator's `nats kv put`.
    const jsm = await manager(nats.connection);
    const { state } = await jsm.streams.info(`KV_${bucket}`);
    const first = await jsm.streams.getMessage(`KV_${bucket}`, { seq: state.first_seq });
    if (first === null) throw new Error("The bucket is empty");
    await nats.connection.request(first.subject, first.data);
    expect((await reshard(2, "--json")).objects()).toMatchObject([{ end: "done", keys: 40 }]);
    expect(await outcomes(await replica(2))).toEqual(new Set(["duplicate"]));
  });

  it("refuses while reservations exist, names them, and changes nothing", async () => {
    const dedup = await replica(2);
    await commitAll(dedup);
    const reservation = await dedup.reserve(event("running"));
    const { exitCode, out } = await reshard(3);
    expect(exitCode).toBe(1);
    expect(out).toBe(
      "Nothing was changed: 1 reservation exists: billing running (owner web-1). Stop every replica, and wait until its lease ends.\n",
    );
    expect((await reshard(3, "--json", "--dry-run")).objects()).toMatchObject([
      {
        bucket,
        from: 2,
        to: 3,
        end: "refused",
        reason: "reserved",
        reserved: [{ workspaceId: "default", subscriptionId: "billing", eventId: "running", owner: "web-1" }],
      },
    ]);
    expect(await streams()).toEqual(shardNames(bucket, 2));
    if (reservation.decision !== "unseen") throw new Error("unreachable");
    expect(await reservation.commit()).toEqual({ commit: "confirmed" });
    expect((await reshard(3)).exitCode).toBe(0);
    expect(await outcomes(await replica(3), ["running"])).toEqual(new Set(["duplicate"]));
  });

  it("names ten of many reservations", async () => {
    const dedup = await replica(1);
    for (const id of IDS.slice(0, 12)) await dedup.reserve(event(id));
    expect((await reshard(2)).out).toMatch(/^Nothing was changed: 12 reservations exist: .*; and 2 more\. Stop/);
    await dedup.close({ drainMs: 0 });
  });

  it("refuses records that it cannot read", async () => {
    await commitAll(await replica(1));
    await nats.connection.request(`$KV.${bucket}.foreign`, "{}");
    const { exitCode, out } = await reshard(2);
    expect(exitCode).toBe(1);
    expect(out).toContain(`1 record cannot be read: $KV.${bucket}.foreign.`);
    expect((await reshard(2, "--json")).objects()).toMatchObject([
      { reason: "unreadable", unreadable: [`$KV.${bucket}.foreign`] },
    ]);
    expect(await usable(1, 2)).toEqual([1]);
  });

  it("changes nothing in a dry run", async () => {
    await commitAll(await replica(2));
    const { exitCode, out } = await reshard(3, "--dry-run");
    expect(exitCode).toBe(0);
    expect(out).toContain(`40 keys of bucket ${bucket} would be moved from 2 shards to 3`);
    expect((await reshard(3, "--dry-run", "--json")).objects()).toEqual([
      { bucket, to: 3, end: "dry-run", from: 2, keys: 40 },
    ]);
    expect(await streams()).toEqual(shardNames(bucket, 2));
    expect(await usable(2, 3)).toEqual([2]);
  });

  it("deletes the old buckets only if asked, at once or later", async () => {
    await commitAll(await replica(1));
    expect((await reshard(2, "--delete-old", "--json")).objects()).toEqual([
      { bucket, to: 2, end: "done", from: 1, keys: 40, old: { kept: [], deleted: [bucket] } },
    ]);
    expect(await streams()).toEqual(shardNames(bucket, 2));
    await reshard(3);
    const inTheWay = await reshard(2);
    expect(inTheWay).toMatchObject({ exitCode: 1, out: expect.stringContaining("old buckets for 2 shards exist") });
    expect((await reshard(3)).out).toBe(`Bucket ${bucket} has 3 shards already.\n`);
    expect((await reshard(3, "--delete-old")).out).toContain("Deleted 2 old buckets: ");
    expect(await streams()).toEqual(shardNames(bucket, 3));
    expect((await reshard(2)).exitCode).toBe(0);
    expect(await outcomes(await replica(2))).toEqual(new Set(["duplicate"]));
  });

  it("shows only the new buckets to the other commands", async () => {
    await commitAll(await replica(2));
    await reshard(3);
    expect((await ends()).size).toBe(40);
    const shown = await run(["show", "billing", "evt-1", "--bucket", bucket], { env: { NATS_URL: nats.server.url } });
    expect(shown.exitCode).toBe(0);
    const cleared = await run(["clear", "--all", "--yes", "--bucket", bucket], { env: { NATS_URL: nats.server.url } });
    expect(cleared.out).toContain("Cleared 40 keys.");
    expect(await outcomes(await replica(3))).toEqual(new Set(["dispatched"]));
  });

  it("lets no replica of the old number write, even if it never stopped", async () => {
    const running = await replica(2);
    await commitAll(running);
    await reshard(3);
    await expect(running.guard(event("late"), () => "")).rejects.toMatchObject({ code: "store-unavailable" });
    expect(await outcomes(await replica(3), ["late"])).toEqual(new Set(["dispatched"]));
  });

  it("refuses wrong settings, and keys that do not fit", async () => {
    await commitAll(await replica(2));
    const jsm = await manager(nats.connection);
    for (const name of shardNames(bucket, 2)) await jsm.streams.update(`KV_${name}`, { max_bytes: 12_000 });
    expect((await reshard(1)).out).toMatch(/each of 1 bucket would hold [\d,]+ bytes, and `max_bytes` allows 12,000/);
    await jsm.streams.update(`KV_${bucket}-2-of-2`, { discard: "old" });
    const { exitCode, out } = await reshard(3);
    expect(exitCode).toBe(1);
    expect(out).toContain(`bucket ${bucket}-2-of-2 has wrong settings: discard. See latchkey doctor.`);
  });

  it("refuses sets of buckets that it cannot understand", async () => {
    await commitAll(await replica(1));
    await makeBucket(nats.connection, `${bucket}-1-of-2`);
    expect((await reshard(3)).out).toContain("buckets for 1 and 2 shards are in use");
    const jsm = await manager(nats.connection);
    await jsm.streams.delete(`KV_${bucket}-1-of-2`);
    await reshard(2);
    for (const name of shardNames(bucket, 2)) await jsm.streams.delete(`KV_${name}`);
    expect((await reshard(2)).out).toContain("the keys were moved from 1 shard to 2");
  });

  it("changes nothing if it is interrupted before it closes the old buckets", async () => {
    await commitAll(await replica(1));
    const argv = ["reshard", "--bucket", bucket, "--to", "2", "--json"];
    const { exitCode, err, objects } = await run(argv, { env: { NATS_URL: nats.server.url }, interrupted: true });
    expect([exitCode, err]).toEqual([130, "latchkey: Interrupted while checking. Nothing was changed.\n"]);
    expect(objects()).toMatchObject([{ bucket, to: 2, step: "checking" }]);
    expect(await usable(1, 2)).toEqual([1]);
  });

  it("says what is half done after a failure, and finishes when it is repeated", async () => {
    await commitAll(await replica(1));
    const jsm = await manager(nats.connection);
    await jsm.streams.add({ name: `OTHER_${bucket}`, subjects: [`$KV.${bucket}-1-of-2.>`] });
    const stopped = await reshard(2);
    expect(stopped).toMatchObject({ exitCode: 1, out: "", err: expect.stringContaining("Stopped while creating: ") });
    expect(stopped.err).toContain(`Repeat latchkey reshard --bucket ${bucket} --to 2 to finish it`);
    const again = await reshard(2, "--json");
    expect([again.exitCode, again.objects()]).toMatchObject([1, [{ bucket, to: 2, step: "creating" }]]);
    await jsm.streams.delete(`OTHER_${bucket}`);
    expect((await reshard(2)).exitCode).toBe(0);
    expect(await outcomes(await replica(2))).toEqual(new Set(["duplicate"]));
  });

  it("explains wrong usage", async () => {
    const err = `latchkey: There is no bucket \`${bucket}\`. Name an existing one with \`--bucket\`\n`;
    expect(await reshard(2)).toMatchObject({ exitCode: 2, err });
    expect(await reshard(65)).toMatchObject({ exitCode: 2, err: expect.stringContaining("from 1 to 64") });
    const missing = await run(["reshard", "--bucket", bucket], { env: { NATS_URL: nats.server.url } });
    expect(missing).toMatchObject({ exitCode: 2, err: expect.stringContaining("--to <n>") });
  });
});
