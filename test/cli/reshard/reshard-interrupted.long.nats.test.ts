import { jetstreamManager } from "@nats-io/jetstream";
import { headers, type NatsConnection } from "@nats-io/nats-core";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { BucketServer } from "../../../src/cli/connection/open-buckets.ts";
import { copyKeys, verifyCopy } from "../../../src/cli/reshard/copy-keys.ts";
import { stoppedReshardText } from "../../../src/cli/reshard/reshard-text.ts";
import { type ReshardEnd, Resharding, type ReshardStep } from "../../../src/cli/reshard/resharding.ts";
import { findShardSets, openShard } from "../../../src/cli/reshard/shard-sets.ts";
import { Deduplicator } from "../../../src/deduplicator.ts";
import { StoreMisconfiguredError } from "../../../src/errors.ts";
import { systemClock } from "../../../src/internal/clock.ts";
import { natsStore } from "../../../src/nats/index.ts";
import { shardNames } from "../../../src/nats/kv/sharded-store.ts";
import { makeBucket, manager } from "../../support/nats-bucket.ts";
import { interrupted, type LastRequest } from "../../support/nats-interrupted.ts";
import { useNatsServer } from "../../support/use-nats-server.ts";

const nats = useNatsServer();
let names = 0;
let runs = 0;

const IDS = ["1", "2", "3", "4", "5"];
const event = (eventId: string) => ({ subscriptionId: "sub-1", eventId });

/** Creates a bucket with five committed keys in one shard. */
async function committedBucket(): Promise<{ readonly bucket: string; readonly fence: number }> {
  names += 1;
  const bucket = `interrupted${names}`;
  const dedup = new Deduplicator({ store: await natsStore(nats.connection, { bucket, storage: "memory" }) });
  const outcomes = await Promise.all(IDS.map((id) => dedup.guard(event(id), ({ fence }) => fence)));
  const fences = outcomes.map((outcome) => (outcome.outcome === "dispatched" ? outcome.value : 0));
  return { bucket, fence: Math.max(...fences) };
}

async function resharding(bucket: string, to: number, through = nats.connection): Promise<Resharding> {
  runs += 1;
  const { signal } = new AbortController();
  const options = { to, isDryRun: false, deleteOld: false, signal, clock: systemClock, run: `run-${runs}` };
  return new Resharding(await serverOf(bucket, through), options);
}

async function serverOf(bucket: string, through = nats.connection): Promise<BucketServer> {
  const jsm = await jetstreamManager(through, { checkAPI: false, timeout: 5_000 });
  return {
    connection: through,
    jsm,
    apiPrefix: "$JS.API",
    name: bucket,
    bucketNames: [],
    [Symbol.asyncDispose]: async () => {},
  };
}

/** Returns the step at which a run was killed, or `undefined` if it ended before. */
async function killedStep(
  bucket: string,
  to: number,
  failAt: number,
  last: LastRequest,
): Promise<ReshardStep | undefined> {
  const failing = interrupted(nats.connection, failAt, last);
  const run = await resharding(bucket, to, failing.connection);
  try {
    await run.run();
  } catch (error) {
    expect(failing.hasFailed()).toBe(true);
    const text = stoppedReshardText({ step: run.step, from: run.from, to, bucket, error });
    expect(text).toMatch(/Nothing was changed|Repeat latchkey reshard|Run latchkey reshard/);
    return run.step;
  }
  return undefined;
}

/** Expects that replicas of at most one shard number start, and that those find every key. Returns the numbers that start. */
async function checkReplicas(bucket: string, fence: number): Promise<readonly number[]> {
  const started: number[] = [];
  for (const shards of [1, 2, 3]) {
    const store = await natsStore(nats.connection, { bucket, shards }).catch((error: unknown) => error);
    if (store instanceof Error) {
      expect(store).toBeInstanceOf(StoreMisconfiguredError);
      continue;
    }
    started.push(shards);
    const dedup = new Deduplicator({ store: await natsStore(nats.connection, { bucket, shards }) });
    const outcomes = await Promise.all(IDS.map((id) => dedup.guard(event(id), () => "again")));
    expect(new Set(outcomes.map(({ outcome }) => outcome))).toEqual(new Set(["duplicate"]));
    const probe = await dedup.reserve(event(`probe-${shards}`));
    if (probe.decision !== "unseen") throw new Error("A new event is not unseen");
    expect(probe.fence).toBeGreaterThan(fence);
    await probe.release();
  }
  expect(started.length).toBeLessThanOrEqual(1);
  return started;
}

describe("an interrupted reshard", () => {
  it.each<LastRequest>(["sent", "not sent"])(
    "G1 G3 G5 is finished by repeating it after a kill at any request (last request %s)",
    async (last) => {
      const steps = new Set<ReshardStep | undefined>();
      for (let failAt = 1, step: ReshardStep | undefined = "checking"; step !== undefined; failAt += 1) {
        const { bucket, fence } = await committedBucket();
        step = await killedStep(bucket, 2, failAt, last);
        steps.add(step);
        await checkReplicas(bucket, fence);
        const end = await (await resharding(bucket, 2)).run();
        expect(["done", "finished", "nothing-to-do"]).toContain(end.end);
        expect(await checkReplicas(bucket, fence)).toEqual([2]);
      }
      const expected = ["checking", "closing", "creating", "copying", "verifying", "opening", "retiring", undefined];
      expect([...steps]).toEqual(expected);
    },
  );

  it("is undone by a reshard to the old number until the new buckets are open", async () => {
    const ends = new Map<ReshardStep, Set<ReshardEnd["end"]>>();
    for (let failAt = 1; ; failAt += 1) {
      const { bucket, fence } = await committedBucket();
      const step = await killedStep(bucket, 2, failAt, "sent");
      if (step === undefined) break;
      const end = await (await resharding(bucket, 1)).run();
      ends.set(step, (ends.get(step) ?? new Set()).add(end.end));
      const started = await checkReplicas(bucket, fence);
      expect(started).toEqual([end.end === "refused" ? 2 : 1]);
      const ahead = await (await resharding(bucket, 2)).run();
      expect(end.end === "refused" ? ["finished", "nothing-to-do"] : ["done"]).toContain(ahead.end);
    }
    expect(ends.get("checking")).toEqual(new Set(["nothing-to-do"]));
    expect(ends.get("copying")).toEqual(new Set(["taken-back"]));
    expect(ends.get("verifying")).toEqual(new Set(["taken-back"]));
    expect(ends.get("retiring")).toEqual(new Set(["refused"]));
  });

  it("keeps every key through any sequence of kills, repetitions and changed numbers", async () => {
    const attempt = fc.record({
      to: fc.constantFrom(1, 2, 2, 3),
      failAt: fc.integer({ min: 1, max: 70 }),
      last: fc.constantFrom<LastRequest>("sent", "not sent"),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(attempt, { minLength: 2, maxLength: 5 }), async (attempts) => {
        const { bucket, fence } = await committedBucket();
        for (const { to, failAt, last } of attempts) {
          await killedStep(bucket, to, failAt, last);
          await checkReplicas(bucket, fence);
        }
        // A reshard to one of the numbers always completes.
        const ends: ReshardEnd[] = [];
        for (const to of [1, 2, 3]) ends.push(await (await resharding(bucket, to)).run());
        expect(ends.some(({ end }) => end !== "refused")).toBe(true);
        expect(await checkReplicas(bucket, fence)).toHaveLength(1);
      }),
      { numRuns: 15 },
    );
  });

  it("reopens the old buckets if a reservation was made before they closed", async () => {
    const { bucket, fence } = await committedBucket();
    const dedup = new Deduplicator({ store: await natsStore(nats.connection, { bucket }), leaseMs: 60_000 });
    const through = tampered("request", "STREAM.UPDATE", () => dedup.reserve(event("late")));
    const run = await resharding(bucket, 2, through);
    expect(await run.run()).toMatchObject({ end: "refused", refusal: { reason: "reserved" } });
    expect(await checkReplicas(bucket, fence)).toEqual([1]);
    await dedup.close({ drainMs: 0 });
  });

  it("stops if an old bucket is written to while it is copied", async () => {
    const { bucket, fence } = await committedBucket();
    const through = tampered("request", "STREAM.CREATE", async () => {
      nats.connection.publish(`latchkey.closed.${bucket}`);
      await nats.connection.flush();
    });
    const run = await resharding(bucket, 2, through);
    await expect(run.run()).rejects.toThrow(`bucket ${bucket} was written to while it was copied`);
    expect(run.step).toBe("verifying");
    expect(await checkReplicas(bucket, fence)).toEqual([]);
  });

  it("stops if another reshard replaces the new buckets", async () => {
    const { bucket, fence } = await committedBucket();
    const other = await resharding(bucket, 2);
    const through = tampered("requestMany", `${bucket}-1-of-2`, () => other.run());
    const run = await resharding(bucket, 2, through);
    await expect(run.run()).rejects.toThrow(`another reshard replaced bucket ${bucket}-1-of-2`);
    expect(await checkReplicas(bucket, fence)).toEqual([2]);
  });

  it.each<readonly [what: string, spoil: (bucket: string, key: string) => Promise<unknown>, wrong: object]>([
    ["a key is missing", (bucket, key) => purge(bucket, key), { missing: 1 }],
    ["a payload differs", (bucket, key) => put(bucket, key, "{}", "86400s"), { different: 1 }],
    [
      "a window is shorter",
      async (bucket, key) => put(bucket, key, await payloadOf(bucket, key), "80000s"),
      { different: 1 },
    ],
    [
      "a window is longer",
      async (bucket, key) => put(bucket, key, await payloadOf(bucket, key), "90000s"),
      { different: 1 },
    ],
    ["a key was added", (bucket) => put(bucket, "added", "{}", "60s"), { added: 1 }],
    ["a key is in the wrong bucket", async (bucket, key) => move(bucket, key), { different: 1 }],
  ])("finds a wrong copy if %s", async (_, spoil, wrong) => {
    const { bucket } = await committedBucket();
    const server = await serverOf(bucket);
    const [source] = await findShardSets(server, systemClock);
    if (source === undefined) throw new Error("unreachable");
    for (const name of shardNames(bucket, 2)) await makeBucket(nats.connection, name, { max_age: 604_800e9 });
    const targets = await Promise.all(shardNames(bucket, 2).map((name) => openShard(server, name, systemClock)));
    const index = await copyKeys(source, targets, { reserved: [], unreadable: [] }, () => {});
    const right = { verified: 5, missing: 0, different: 0, added: 0 };
    expect(await verifyCopy(targets, index)).toEqual(right);
    const [key = ""] = [...index].flatMap(([each, { shard }]) => (shard === 0 ? [each] : []));
    await spoil(`${bucket}-1-of-2`, key);
    expect(await verifyCopy(targets, index)).toMatchObject(wrong);
  });

  /** Returns a connection that calls `before` ahead of its first request to a subject that contains `part`. */
  function tampered(method: string, part: string, before: () => Promise<unknown>): NatsConnection {
    let isDone = false;
    return new Proxy(nats.connection, {
      get(target, name): unknown {
        const member: unknown = Reflect.get(target, name, target);
        if (typeof member !== "function") return member;
        if (name !== method) return member.bind(target);
        return async (...args: readonly unknown[]): Promise<unknown> => {
          if (!isDone && String(args[0]).includes(part)) {
            isDone = true;
            await before();
          }
          return Reflect.apply(member, target, args);
        };
      },
    });
  }

  function put(bucket: string, key: string, payload: string, ttl: string): Promise<unknown> {
    const fields = headers();
    fields.set("Nats-TTL", ttl);
    return nats.connection.request(`$KV.${bucket}.${key}`, payload, { headers: fields, timeout: 5_000 });
  }

  async function purge(bucket: string, key: string): Promise<unknown> {
    return (await manager(nats.connection)).streams.purge(`KV_${bucket}`, { filter: `$KV.${bucket}.${key}` });
  }

  async function payloadOf(bucket: string, key: string): Promise<string> {
    const jsm = await manager(nats.connection);
    return (await jsm.streams.getMessage(`KV_${bucket}`, { last_by_subj: `$KV.${bucket}.${key}` }))?.string() ?? "";
  }

  async function move(bucket: string, key: string): Promise<void> {
    const payload = await payloadOf(bucket, key);
    await purge(bucket, key);
    await put(bucket.replace("-1-of-", "-2-of-"), key, payload, "86400s");
  }
});
