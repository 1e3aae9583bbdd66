import { describe, expect, it } from "vitest";
import { Deduplicator } from "../../../src/deduplicator.ts";
import { hasCode } from "../../../src/errors.ts";
import { natsStore } from "../../../src/nats/index.ts";
import { collected } from "../../support/collected.ts";
import { eventually } from "../../support/eventually.ts";
import { backUp, restore } from "../../support/nats-backup.ts";
import { manager } from "../../support/nats-bucket.ts";
import { useNatsServer } from "../../support/use-nats-server.ts";
import { run } from "../support/fake-io.ts";

const nats = useNatsServer();

const latchkey = (...argv: readonly string[]) => run([...argv], { env: { NATS_URL: nats.server.url } });

async function replicaOn(bucket: string, shards = 1): Promise<Deduplicator> {
  return new Deduplicator({ store: await natsStore(nats.connection, { bucket, shards }), cacheSize: 0 });
}

/** Dispatches an event and returns its fence. */
async function dispatch(replica: Deduplicator, eventId: string): Promise<number> {
  let fence = 0;
  await replica.guard({ subscriptionId: "s", eventId }, (reservation) => {
    ({ fence } = reservation);
  });
  return fence;
}

/** A bucket that was restored from a backup of its first event, after 20 more. Returns the highest fence given out. */
async function restored(bucket: string): Promise<number> {
  const before = await replicaOn(bucket);
  await dispatch(before, "evt-0");
  const backup = await backUp(nats.connection, `KV_${bucket}`);
  let highest = 0;
  for (let index = 1; index <= 20; index += 1) highest = await dispatch(before, `evt-${index}`);
  await before.close();
  await (await manager(nats.connection)).streams.delete(`KV_${bucket}`);
  await restore(nats.connection, backup);
  return highest;
}

describe("a bucket restored from a backup", () => {
  it("repeats fences until they are raised, and keeps its keys", async () => {
    const highest = await restored("restored");
    const after = await replicaOn("restored");
    expect(await dispatch(after, "evt-21")).toBeLessThan(highest);
    await after.close();

    const raised = await latchkey("raise-fences", "--bucket", "restored", "--above", String(highest), "--json");
    expect(raised.exitCode).toBe(0);
    const { nextFence }: { readonly nextFence: number } = JSON.parse(raised.out);
    expect(nextFence).toBeGreaterThan(highest);

    const later = await replicaOn("restored");
    expect(await dispatch(later, "evt-22")).toBe(nextFence);
    expect(await later.guard({ subscriptionId: "s", eventId: "evt-0" }, () => {})).toMatchObject({
      outcome: "duplicate",
    });
    await later.close();
  });

  it("G5 has rising fences at every use of the store after they were raised", async () => {
    const bucket = "uses";
    const highest = await restored(bucket);
    await latchkey("raise-fences", "--bucket", bucket, "--above", String(highest + 1_000_000));
    const store = await natsStore(nats.connection, { bucket });
    const replica = new Deduplicator({ store, leaseMs: 1_000, skewMs: 500 });
    const watched: number[] = [];
    const over = new AbortController();
    const watching = (async () => {
      for await (const change of store.watch({}, over.signal)) {
        watched.push(change.type === "put" ? change.entry.revision : change.revision);
      }
    })();
    let fence = 0;
    const renewed = new Promise<void>((resolve) => {
      replica.subscribe(({ type }) => type === "renewed" && resolve());
    });
    const outcome = await replica.guard({ subscriptionId: "s", eventId: "used" }, async (reservation) => {
      ({ fence } = reservation);
      await renewed;
    });
    expect(outcome).toMatchObject({ outcome: "dispatched", commit: "confirmed" });
    expect(fence).toBeGreaterThan(highest + 1_000_000);
    const released = await replica.reserve({ subscriptionId: "s", eventId: "released" });
    expect(released.decision === "unseen" && released.fence).toBeGreaterThan(fence);
    if (released.decision === "unseen") await released.release();
    const again = await replica.reserve({ subscriptionId: "s", eventId: "released" });
    expect(again.decision).toBe("unseen");
    for (const { revision } of await collected(store.list({}))) expect(revision).toBeGreaterThan(highest + 999_900);
    await eventually("the watch to see a change", () => watched.length > 0);
    for (const revision of watched) expect(revision).toBeGreaterThan(highest + 1_000_000);
    over.abort();
    await watching;
    const shown = await latchkey("show", "s", "used", "--bucket", bucket, "--json");
    expect(JSON.parse(shown.out)).toMatchObject({ fence });
    expect((await latchkey("clear", "s", "used", "--bucket", bucket, "--yes", "--json")).out).toContain('"cleared":1');
    expect(await replica.clear({ subscriptionId: "s" })).toBeGreaterThan(0);
    await replica.close({ drainMs: 0 });
  });

  it("stops replicas that run while fences are raised, and lets them commit what they hold", async () => {
    const bucket = "running";
    const replica = await replicaOn(bucket);
    const outcome = await replica.guard({ subscriptionId: "s", eventId: "held" }, async () => {
      await latchkey("raise-fences", "--bucket", bucket);
      await eventually("a refusal", async () => {
        const error: unknown = await dispatch(replica, `probe-${Math.random()}`).catch((reason: unknown) => reason);
        return hasCode(error, "store-misconfigured") && error.message.includes("start this replica again");
      });
    });
    expect(outcome).toMatchObject({ outcome: "dispatched", commit: "confirmed" });
    await replica.close({ drainMs: 0 });
    const next = await replicaOn(bucket);
    expect(await next.guard({ subscriptionId: "s", eventId: "held" }, () => {})).toMatchObject({
      outcome: "duplicate",
    });
    await next.close();
  });

  it("has fences that rise across a reshard, too", async () => {
    const bucket = "moved";
    const highest = await restored(bucket);
    await latchkey("raise-fences", "--bucket", bucket, "--above", String(highest + 5_000_000));
    const resharded = await latchkey("reshard", "--bucket", bucket, "--to", "2");
    expect(resharded.exitCode).toBe(0);
    const replica = await replicaOn(bucket, 2);
    for (let index = 0; index < 8; index += 1) {
      expect(await dispatch(replica, `later-${index}`)).toBeGreaterThan(highest + 5_000_000);
    }
    expect(await replica.guard({ subscriptionId: "s", eventId: "evt-0" }, () => {})).toMatchObject({
      outcome: "duplicate",
    });
    await replica.close();
    const again = await latchkey("raise-fences", "--bucket", bucket, "--shards", "2");
    expect(again.out.split("\n")).toHaveLength(3);
  });
});

describe("latchkey raise-fences", () => {
  it("never lowers a fence", async () => {
    const replica = await replicaOn("twice");
    const first = await dispatch(replica, "evt-1");
    await replica.close();
    const nexts: number[] = [];
    for (const above of [first + 9_000_000_000_000, 5, 0]) {
      const { out } = await latchkey("raise-fences", "--bucket", "twice", "--above", String(above), "--json");
      const { nextFence }: { readonly nextFence: number } = JSON.parse(out);
      nexts.push(nextFence);
    }
    expect(nexts[0]).toBeGreaterThan(first + 9_000_000_000_000);
    expect(nexts).toEqual(nexts.toSorted((one, other) => one - other));
  });

  it("refuses a bucket that does not exist", async () => {
    const { exitCode, err } = await latchkey("raise-fences", "--bucket", "none");
    expect(exitCode).toBe(2);
    expect(err).toContain("There is no bucket `none`");
  });
});
