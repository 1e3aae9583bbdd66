import { describe, expect, it } from "vitest";
import { Deduplicator } from "../../../src/deduplicator.ts";
import { type NatsStoreOptions, natsStore } from "../../../src/nats/index.ts";
import { jointEpoch } from "../../../src/nats/kv/bucket-epoch.ts";
import { collected } from "../../support/collected.ts";
import { eventually } from "../../support/eventually.ts";
import { connected, manager } from "../../support/nats-bucket.ts";
import { useNatsServer } from "../../support/use-nats-server.ts";

const nats = useNatsServer();

/** Opens a replica with its own connection. */
async function replica(options: NatsStoreOptions) {
  const connection = await connected(nats.server);
  const store = await natsStore(connection, options);
  const dedup = new Deduplicator({ store });
  return { connection, store, dedup, [Symbol.asyncDispose]: () => connection.close() };
}

const outcomeOf = async ({ dedup }: Awaited<ReturnType<typeof replica>>, eventId: string) =>
  (await dedup.guard({ subscriptionId: "sub-1", eventId }, () => "done")).outcome;

/** Dispatches events until the replica caches a commit, which needs a known epoch. Returns the id of that event. */
async function remembered(by: Awaited<ReturnType<typeof replica>>, name: string): Promise<string> {
  let count = 0;
  return eventually("it answers without the server", async () => {
    const eventId = `${name}-${++count}`;
    expect(await outcomeOf(by, eventId)).toBe("dispatched");
    const before = by.connection.stats().outMsgs;
    expect(await outcomeOf(by, eventId)).toBe("duplicate");
    return by.connection.stats().outMsgs === before ? eventId : undefined;
  });
}

describe.each<[string, NatsStoreOptions, readonly string[]]>([
  ["one bucket", { bucket: "one" }, ["one"]],
  ["several", { bucket: "some", shards: 2 }, ["some-1-of-2", "some-2-of-2"]],
])("the commit cache over %s", (_, options, buckets) => {
  it("answers without the server until a replica clears keys", async () => {
    await using a = await replica(options);
    await using operator = await replica(options);
    const first = await remembered(a, "first");
    expect(await operator.dedup.clear({ subscriptionId: "sub-1", eventId: first })).toBe(1);
    expect(await outcomeOf(a, first)).toBe("dispatched");
    const second = await remembered(a, "second");
    expect(await operator.dedup.clear({ subscriptionId: "another" })).toBe(0);
    expect(await outcomeOf(a, second)).toBe("duplicate");
  });

  it("keeps its epoch in a message that no list and no watch shows and that expires after the longest window", async () => {
    await using operator = await replica(options);
    const jsm = await manager(operator.connection);
    const watching = new AbortController();
    const changes = collected(operator.store.watch({}, watching.signal));
    await operator.dedup.clear({ subscriptionId: "another" });
    for (const bucket of buckets) {
      const message = await jsm.streams.getMessage(`KV_${bucket}`, { last_by_subj: `$KV.${bucket}.cleared` });
      expect(message?.data).toHaveLength(0);
      expect(message?.header.get("Nats-TTL")).toBe(`${operator.store.maxWindowMs / 1_000}s`);
    }
    const listed = await collected(operator.dedup.list());
    expect(listed.every(({ record }) => record.subscriptionId === "sub-1")).toBe(true);
    watching.abort();
    expect(await changes).toEqual([]);
  });
});

it("counts every one of many concurrent clears", async () => {
  await using a = await replica({ bucket: "busy" });
  await Promise.all(Array.from({ length: 5 }, () => a.store.invalidation.invalidate()));
  expect(await eventually("it knows the mark", () => a.store.invalidation.epoch())).toBeGreaterThan(0);
});

it("notices a clear of any of many buckets, however high their revisions are", () => {
  const marks: (number | undefined)[] = Array.from({ length: 64 }, () => 0);
  const joint = jointEpoch(marks.map((_, at) => ({ epoch: () => marks[at], invalidate: async () => {} })));
  expect(joint.epoch()).toBe(0);
  marks.fill(1_795_000_000_000_000);
  for (const [at, mark = 0] of marks.entries()) {
    const before = joint.epoch();
    marks[at] = undefined;
    expect(joint.epoch()).toBeUndefined();
    marks[at] = mark;
    expect(joint.epoch()).toBe(before);
    marks[at] = mark + 1;
    expect(joint.epoch()).not.toBe(before);
  }
  marks.fill(0);
  expect(joint.epoch()).toBe(0);
});
