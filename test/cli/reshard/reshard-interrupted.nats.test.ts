import { jetstreamManager } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/nats-core";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { stoppedText } from "../../../src/cli/reshard/reshard-text.ts";
import { type ReshardEnd, Resharding, type ReshardStep } from "../../../src/cli/reshard/resharding.ts";
import { Deduplicator } from "../../../src/deduplicator.ts";
import { StoreMisconfiguredError } from "../../../src/errors.ts";
import { systemClock } from "../../../src/internal/clock.ts";
import { natsStore } from "../../../src/nats/index.ts";
import { connected } from "../../support/nats-bucket.ts";
import { interrupted, type LastRequest } from "../../support/nats-interrupted.ts";
import { type NatsServer, startNats } from "../../support/nats-server.ts";

let server: NatsServer;
let connection: NatsConnection;
let names = 0;
let runs = 0;
beforeAll(async () => {
  server = await startNats();
  connection = await connected(server);
});
afterAll(async () => {
  await connection.close();
  await server.stop();
});

const IDS = ["1", "2", "3", "4", "5"];
const event = (eventId: string) => ({ subscriptionId: "sub-1", eventId });

/** A bucket with five committed keys in one shard. */
async function committedBucket(): Promise<{ readonly bucket: string; readonly fence: number }> {
  names += 1;
  const bucket = `interrupted${names}`;
  const dedup = new Deduplicator({ store: await natsStore(connection, { bucket, storage: "memory" }) });
  const outcomes = await Promise.all(IDS.map((id) => dedup.guard(event(id), ({ fence }) => fence)));
  const fences = outcomes.map((outcome) => (outcome.outcome === "dispatched" ? outcome.value : 0));
  return { bucket, fence: Math.max(...fences) };
}

async function resharding(bucket: string, to: number, through = connection): Promise<Resharding> {
  runs += 1;
  const jsm = await jetstreamManager(through, { checkAPI: false, timeout: 5_000 });
  const on = { connection: through, jsm, name: bucket, bucketNames: [], [Symbol.asyncDispose]: async () => {} };
  const { signal } = new AbortController();
  const options = { to, isDryRun: false, deleteOld: false, signal, clock: systemClock, run: `run-${runs}` };
  return new Resharding(on, options);
}

/** Returns the step at which a run was killed; `undefined` if it ended before. */
async function killedStep(
  bucket: string,
  to: number,
  failAt: number,
  last: LastRequest,
): Promise<ReshardStep | undefined> {
  const failing = interrupted(connection, failAt, last);
  const run = await resharding(bucket, to, failing.connection);
  try {
    await run.run();
  } catch (error) {
    expect(failing.hasFailed()).toBe(true);
    const text = stoppedText({ step: run.step, from: run.from, to, bucket, error });
    expect(text).toMatch(/Nothing was changed|Repeat latchkey reshard|Run latchkey reshard/);
    return run.step;
  }
  return undefined;
}

/** Replicas of at most one number start, and those know every key. The others get an error and create nothing. */
async function checkReplicas(bucket: string, fence: number): Promise<readonly number[]> {
  const started: number[] = [];
  for (const shards of [1, 2, 3]) {
    const store = await natsStore(connection, { bucket, shards }).catch((error: unknown) => error);
    if (store instanceof Error) {
      expect(store).toBeInstanceOf(StoreMisconfiguredError);
      continue;
    }
    started.push(shards);
    const dedup = new Deduplicator({ store: await natsStore(connection, { bucket, shards }) });
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
    "G1 G3 G5 is finished by repeating it, wherever it was killed (last request %s)",
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

  it("is taken back with the old number until the new buckets are open", async () => {
    const ends = new Map<ReshardStep, Set<ReshardEnd["end"]>>();
    for (let failAt = 1; ; failAt += 1) {
      const { bucket, fence } = await committedBucket();
      const step = await killedStep(bucket, 2, failAt, "sent");
      if (step === undefined) break;
      const end = await (await resharding(bucket, 1)).run();
      ends.set(step, (ends.get(step) ?? new Set()).add(end.end));
      const started = await checkReplicas(bucket, fence);
      expect(started).toEqual([end.end === "refused" ? 2 : 1]);
    }
    expect(ends.get("checking")).toEqual(new Set(["nothing-to-do"]));
    expect(ends.get("copying")).toEqual(new Set(["taken-back"]));
    expect(ends.get("verifying")).toEqual(new Set(["taken-back"]));
    expect(ends.get("retiring")).toEqual(new Set(["refused"]));
  });

  it("keeps every key through any sequence of kills, repeats and changes of mind", async () => {
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
        // One of the numbers always leads out of the state.
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
    const dedup = new Deduplicator({ store: await natsStore(connection, { bucket }), leaseMs: 60_000 });
    const run = await resharding(bucket, 2, reservingAt(dedup));
    expect(await run.run()).toMatchObject({ end: "refused", refusal: { reason: "reserved" } });
    expect(await checkReplicas(bucket, fence)).toEqual([1]);
    await dedup.close({ drainMs: 0 });
  });

  /** Makes a reservation just before the first bucket closes. */
  function reservingAt(dedup: Deduplicator): NatsConnection {
    return new Proxy(connection, {
      get(target, name): unknown {
        const member: unknown = Reflect.get(target, name, target);
        if (typeof member !== "function") return member;
        if (name !== "request") return member.bind(target);
        return async (...args: readonly unknown[]): Promise<unknown> => {
          if (String(args[0]).includes("STREAM.UPDATE") && reserved === undefined) {
            reserved = dedup.reserve(event("late"));
            await reserved;
          }
          return Reflect.apply(member, target, args);
        };
      },
    });
  }
  let reserved: Promise<unknown> | undefined;
});
