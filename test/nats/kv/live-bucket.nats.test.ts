import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { DiscardPolicy, type StreamConfig } from "@nats-io/jetstream";
import { PermissionViolationError } from "@nats-io/nats-core";
import { describe, expect, it, vi } from "vitest";
import { Deduplicator } from "../../../src/deduplicator.ts";
import { hasCode, StoreMisconfiguredError } from "../../../src/errors.ts";
import type * as Clocks from "../../../src/internal/clock.ts";
import { systemClock } from "../../../src/internal/clock.ts";
import type * as Nats from "../../../src/nats/index.ts";
import { type NatsStoreOptions, natsStore, type StoreWarning } from "../../../src/nats/index.ts";
import { withRaisedFences } from "../../../src/nats/kv/revision-offset.ts";
import { eventually } from "../../support/eventually.ts";
import { connected, manager } from "../../support/nats-bucket.ts";
import { copyWithBug, removePlantedCopies } from "../../support/planted-bugs.ts";
import { useNatsServer } from "../../support/use-nats-server.ts";

const nats = useNatsServer();
const DAY_MS = 86_400_000;

async function edit(bucket: string, changes: Partial<StreamConfig>): Promise<void> {
  const jsm = await manager(nats.connection);
  const { config } = await jsm.streams.info(`KV_${bucket}`);
  await jsm.streams.update(`KV_${bucket}`, Object.assign(config, changes));
}

/** A replica with the warnings of its store. `claim` dispatches a new event and returns its error, if any. */
async function replicaOn(bucket: string, options: Partial<NatsStoreOptions> = {}) {
  const warnings: StoreWarning[] = [];
  const store = await natsStore(nats.connection, {
    bucket,
    ...options,
    onWarning: (warning) => warnings.push(warning),
  });
  const dedup = new Deduplicator({ store, cacheSize: 0 });
  let events = 0;
  let dispatches = 0;
  const dispatch = (eventId: string): Promise<unknown> =>
    dedup.guard({ subscriptionId: "s", eventId }, () => {
      dispatches += 1;
    });
  return {
    store,
    dedup,
    warnings,
    dispatch,
    dispatches: () => dispatches,
    async claim(): Promise<unknown> {
      events += 1;
      try {
        await dispatch(`evt-${events}`);
      } catch (error) {
        return error;
      }
      return undefined;
    },
    close: () => dedup.close({ drainMs: 0 }),
  };
}

const isMisconfigured = (error: unknown): boolean => hasCode(error, "store-misconfigured");

type Edit = readonly [name: string, changes: Partial<StreamConfig>, back: Partial<StreamConfig>];

/** Everything that a server lets an operator change in a bucket and that the start would refuse. */
const edits: readonly Edit[] = [
  ["discard", { discard: DiscardPolicy.Old }, { discard: DiscardPolicy.New }],
  ["subject_delete_marker_ttl", { subject_delete_marker_ttl: 1_000_000_000 }, { subject_delete_marker_ttl: 0 }],
  ["max_msgs_per_subject", { max_msgs_per_subject: 5 }, { max_msgs_per_subject: 1 }],
  ["max_msgs", { max_msgs: 1_000_000 }, { max_msgs: -1 }],
  ["no_ack", { no_ack: true }, { no_ack: false }],
  ["allow_direct", { allow_direct: false }, { allow_direct: true }],
  ["subjects", { subjects: ["$KV.subjects.>", "more"] }, { subjects: ["$KV.subjects.>"] }],
  ["sources", { sources: [{ name: "KV_elsewhere" }] }, { sources: [] }],
];

describe("a bucket that an operator edits while replicas run", () => {
  it.concurrent.each(edits)(
    "is refused with the start's message after its `%s` was changed, and used again after it was changed back",
    async (setting, changes, back) => {
      const replica = await replicaOn(setting);
      expect(await replica.claim()).toBeUndefined();
      await edit(setting, changes);
      const error = await eventually("a refusal", async () => {
        const found = await replica.claim();
        return isMisconfigured(found) ? found : undefined;
      });
      const atStart: unknown = await natsStore(nats.connection, { bucket: setting }).catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(StoreMisconfiguredError);
      expect(error).toHaveProperty("message", atStart instanceof Error ? atStart.message : undefined);
      const dispatched = replica.dispatches();
      await replica.claim();
      expect(replica.dispatches()).toBe(dispatched);
      await edit(setting, back);
      await eventually("the bucket to be used again", async () => (await replica.claim()) === undefined || undefined);
      expect(replica.warnings.map(({ warning }) => warning)).toEqual(["refused", "restored"]);
      await replica.close();
    },
  );

  it.concurrent("is refused if `max_age` no longer covers the windows in use", async () => {
    const replica = await replicaOn("age");
    await replica.claim();
    await edit("age", { max_age: 60_000_000_000, duplicate_window: 60_000_000_000 });
    const error = await eventually("a refusal", async () => {
      const found = await replica.claim();
      return isMisconfigured(found) ? found : undefined;
    });
    expect(error).toHaveProperty(
      "message",
      expect.stringContaining("`max_age` is 60000000000, must be at least 86400"),
    );
    await replica.close();
  });

  it.concurrent("is used on and reported if it differs only from the options", async () => {
    const replica = await replicaOn("size", { maxBytes: 10_000_000 });
    await replica.claim();
    await edit("size", { max_bytes: 20_000_000 });
    await eventually("a warning", async () => {
      expect(await replica.claim()).toBeUndefined();
      return replica.warnings[0];
    });
    expect(replica.warnings).toEqual([
      {
        bucket: "size",
        warning: "differs",
        message: expect.stringContaining("`max_bytes` is 20000000, must be 10000000"),
      },
    ]);
    await replica.close();
  });

  it.concurrent("does not stop a dispatch that holds its key from committing", async () => {
    const replica = await replicaOn("held");
    const outcome = await replica.dedup.guard({ subscriptionId: "s", eventId: "held" }, async () => {
      await edit("held", { discard: DiscardPolicy.Old });
      await eventually("a refusal", async () => isMisconfigured(await replica.claim()) || undefined);
    });
    expect(outcome).toMatchObject({ outcome: "dispatched", commit: "confirmed" });
    await replica.close();
  });

  it.concurrent("is refused if it is sealed", async () => {
    const replica = await replicaOn("sealed");
    await replica.claim();
    await edit("sealed", { sealed: true });
    await eventually("a refusal", async () => isMisconfigured(await replica.claim()) || undefined);
    await replica.close();
  });
});

describe("a full bucket", () => {
  it("runs no event again after it was set to discard old records", async () => {
    const replica = await replicaOn("full", { maxBytes: 20_000 });
    const events: string[] = [];
    let isFull = false;
    while (!isFull) {
      const eventId = `committed-${events.length}`;
      isFull = await replica.dispatch(eventId).then(
        () => false,
        (error: unknown) => hasCode(error, "store-unavailable"),
      );
      if (!isFull) events.push(eventId);
    }
    expect(events.length).toBeGreaterThan(12);
    const dispatched = replica.dispatches();
    await edit("full", { discard: DiscardPolicy.Old });
    const again = await Promise.allSettled(events.map((eventId) => replica.dispatch(eventId)));
    expect(replica.dispatches()).toBe(dispatched);
    for (const one of again) expect(one).toMatchObject({ reason: { code: "store-misconfigured" } });
    await edit("full", { discard: DiscardPolicy.New, max_bytes: 1_000_000 });
    await eventually("the bucket to be used again", async () => (await replica.claim()) === undefined || undefined);
    for (const eventId of events) expect(await replica.dispatch(eventId)).toMatchObject({ outcome: "duplicate" });
    await replica.close();
  });
});

describe("a bucket whose revisions fell", () => {
  it("G5 is refused, and names the highest revision that was seen", async () => {
    const replica = await replicaOn("lower");
    await replica.claim();
    const jsm = await manager(nats.connection);
    const { config, state } = await jsm.streams.info("KV_lower");
    await jsm.streams.delete("KV_lower");
    // Another replica whose clock is a day behind, and its server's clock as well.
    const { metadata: _, ...settings } = config;
    await jsm.streams.add({ ...settings, first_seq: state.first_seq - DAY_MS * 1_000 });
    const error = await eventually("a refusal", async () => {
      const found = await replica.claim();
      return isMisconfigured(found) ? found : undefined;
    });
    const advice = `latchkey raise-fences --above ${state.last_seq}`;
    expect(error).toHaveProperty("message", expect.stringContaining(advice));
    await replica.close();
  });

  /** Returns the fences of a bucket that a replica whose clock is behind created again, and the last revision before. */
  async function createdAgain(root: string, bucket: string) {
    const load = <Module>(file: string): Promise<Module> => import(/* @vite-ignore */ join(root, "src", file));
    const { natsStore: open } = await load<typeof Nats>("nats/index.ts");
    const { systemClock: clock } = await load<typeof Clocks>("internal/clock.ts");
    const before = await replicaOn(bucket);
    await before.claim();
    const jsm = await manager(nats.connection);
    const { state } = await jsm.streams.info(`KV_${bucket}`);
    await jsm.streams.delete(`KV_${bucket}`);
    const wallMs = vi.spyOn(clock, "wallMs").mockReturnValue(clock.wallMs() - DAY_MS);
    const opened = await open(nats.connection, { bucket }).finally(() => wallMs.mockRestore());
    const fences: number[] = [];
    for (const store of [opened, await open(nats.connection, { bucket })]) {
      const dedup = new Deduplicator({ store });
      const reservation = await dedup.reserve({ subscriptionId: "s", eventId: randomUUID() });
      if ("fence" in reservation) fences.push(reservation.fence);
      await dedup.close({ drainMs: 0 });
    }
    await before.close();
    return { fences, last: state.last_seq };
  }

  it("G5 starts above the earlier revisions if only the clock of the replica that creates it is behind", async () => {
    const { fences, last } = await createdAgain(process.cwd(), "behind");
    expect(fences).toHaveLength(2);
    for (const fence of fences) expect(fence).toBeGreaterThan(last);
  });

  it("starts below them in a package with the bug that a new bucket is not compared with the server's clock", async () => {
    const file = "src/nats/kv/revision-offset.ts";
    const patches = [{ file, find: "TOLERANCE_US = 60_000_000", replace: "TOLERANCE_US = Number.MAX_VALUE" }];
    const root = copyWithBug({ name: "a replica's clock is trusted", patches });
    const { fences, last } = await createdAgain(root, "trusting").finally(removePlantedCopies);
    for (const fence of fences) expect(fence).toBeLessThan(last);
  });

  it("G5 is refused at the start if its creation is later than its last revision, until its fences are raised", async () => {
    await (await replicaOn("older")).close();
    const jsm = await manager(nats.connection);
    const { config, state } = await jsm.streams.info("KV_older");
    await jsm.streams.delete("KV_older");
    // As after a restore: the sequence numbers of a day ago in a stream that was created now.
    const created = await jsm.streams.add({ ...config, first_seq: state.first_seq - DAY_MS * 1_000 });
    const refusal = await natsStore(nats.connection, { bucket: "older" }).catch((error: unknown) => error);
    expect(refusal).toMatchObject({ code: "store-misconfigured" });
    expect(refusal).toHaveProperty("message", expect.stringContaining("run `latchkey raise-fences`"));
    await jsm.streams.update("KV_older", withRaisedFences(created, state.last_seq + 1_000_000));
    const store = await natsStore(nats.connection, { bucket: "older" });
    const dedup = new Deduplicator({ store });
    const reservation = await dedup.reserve({ subscriptionId: "s", eventId: "after" });
    expect("fence" in reservation && reservation.fence).toBeGreaterThan(state.last_seq + 1_000_000);
    await dedup.close({ drainMs: 0 });
  });

  it("G5 is refused, with the same advice, by a replica whose clock is behind and which may not raise its fences", async () => {
    await using to = await connected(nats.server);
    const forbidden = new PermissionViolationError("no", "publish", "$JS.API.STREAM.UPDATE.KV_unraised");
    const request = to.request.bind(to);
    vi.spyOn(to, "request").mockImplementation((subject, ...rest) =>
      subject.includes(".STREAM.UPDATE.") ? Promise.reject(forbidden) : request(subject, ...rest),
    );
    const wallMs = vi.spyOn(systemClock, "wallMs").mockReturnValue(systemClock.wallMs() - DAY_MS);
    const refusal = await natsStore(to, { bucket: "unraised" })
      .catch((error: unknown) => error)
      .finally(() => wallMs.mockRestore());
    expect(refusal).toHaveProperty("message", expect.stringContaining("run `latchkey raise-fences`"));
  });
});
