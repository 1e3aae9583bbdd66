import type { ConsumerConfig } from "@nats-io/jetstream";
import { nanos } from "@nats-io/nats-core";
import { describe, it } from "vitest";
import { Deferred } from "../../../src/internal/deferred.ts";
import { createEventStream, DURABLE, type EventStream } from "../../support/event-stream.ts";
import { eventually } from "../../support/eventually.ts";
import { quick } from "../../support/quick.ts";
import { useNatsServer } from "../../support/use-nats-server.ts";
import { startWorker } from "../../support/worker.ts";

const nats = useNatsServer();

const edit = ({ manager, name }: EventStream, change: Partial<ConsumerConfig>) =>
  manager.consumers.update(name, DURABLE, change);

async function recreate({ manager, name }: EventStream, change: Partial<ConsumerConfig>): Promise<void> {
  await manager.consumers.delete(name, DURABLE);
  await manager.consumers.add(name, { durable_name: DURABLE, ack_policy: "explicit", ...change });
}

/** The settings are read every five seconds, so the tests wait side by side. */
describe.concurrent("a consumer that is changed while it runs", () => {
  it("obeys a lowered `max_deliver`: the new last delivery becomes a dead letter", async ({ expect }) => {
    const stream = await createEventStream(nats.connection);
    const { promise: isChanged, resolve: goOn } = new Deferred<void>();
    await stream.publish("e-1");
    await using worker = await startWorker(stream, {
      dedup: quick({ leaseMs: 30_000 }),
      async dispatch() {
        await isChanged;
        throw new Error("boom");
      },
    });
    await eventually("the dispatch to begin", () => worker.began[0]);
    await edit(stream, { max_deliver: 1 });
    const [changed] = await worker.until("trigger.consumer.changed");
    expect(changed?.changes).toContainEqual({ setting: "max_deliver", from: -1, to: 1 });
    expect(worker.of("trigger.consumer.warning").map(({ finding }) => finding.sentence)).toContainEqual(
      expect.stringContaining("`max_deliver` is 1: the server drops a message silently"),
    );
    goOn();
    const [letter] = await worker.until("trigger.dead-lettered");
    expect(letter?.reason).toBe("max-deliver");
    expect(worker.of("trigger.nakked")).toEqual([]);
  });

  it("reports each warning once", async ({ expect }) => {
    const stream = await createEventStream(nats.connection, { max_ack_pending: 2 });
    await using worker = await startWorker(stream, { dedup: quick() });
    await edit(stream, { description: "not a setting that matters" });
    await stream.manager.consumers.pause(stream.name, DURABLE, new Date("2100-01-01T00:00:00Z"));
    await edit(stream, { max_ack_pending: 3 });
    await worker.until("trigger.consumer.changed");
    const sentences = worker.of("trigger.consumer.warning").map(({ finding }) => finding.sentence);
    expect(sentences).toHaveLength(new Set(sentences).size);
    expect(sentences.filter((sentence) => sentence.includes("max_ack_pending"))).toHaveLength(2);
    expect(sentences).toContainEqual(expect.stringContaining("it is paused until 2100-01-01T00:00:00Z"));
    const changes = worker.of("trigger.consumer.changed").flatMap(({ changes }) => changes);
    expect(changes).toHaveLength(2);
    expect(changes).toContainEqual({ setting: "max_ack_pending", from: 2, to: 3 });
    expect(changes).toContainEqual({ setting: "pause_until", from: undefined, to: "2100-01-01T00:00:00Z" });
  });

  it.for<[change: string, to: Partial<ConsumerConfig>]>([
    ["`ack_policy` `none`", { ack_policy: "none" }],
    ["`ack_policy` `all`", { ack_policy: "all" }],
    ["an `ack_wait` below a second", { ack_wait: nanos(500) }],
    ["a `backoff` below a second", { backoff: [nanos(100)], max_deliver: 5 }],
  ])("ends with the error of the start when it is created again with %s", async ([, to], { expect }) => {
    const stream = await createEventStream(nats.connection);
    await using worker = await startWorker(stream, { dedup: quick() });
    await recreate(stream, to);
    const error = await worker.running.finished.catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: "consumer-misconfigured", findings: [{ severity: "error" }] });
    await expect(startWorker(stream, { dedup: quick() })).rejects.toThrow(
      error instanceof Error ? error.message : "no error",
    );
  });

  it("ends with the error of the start when its `ack_wait` becomes too short", async ({ expect }) => {
    const stream = await createEventStream(nats.connection);
    await using worker = await startWorker(stream, { dedup: quick() });
    await edit(stream, { ack_wait: nanos(300) });
    await expect(worker.running.finished).rejects.toMatchObject({
      code: "consumer-misconfigured",
      findings: [{ setting: "ack_wait" }],
    });
  });

  it.for<[change: string, to: Partial<ConsumerConfig>]>([
    ["`max_batch`", { max_batch: 1 }],
    ["`max_expires`", { max_expires: nanos(1_000) }],
    ["both", { max_batch: 2, max_expires: nanos(2_000) }],
  ])("obeys lowered limits of requests: %s", async ([, to], { expect }) => {
    const stream = await createEventStream(nats.connection);
    await using worker = await startWorker(stream, { dedup: quick(), concurrency: 8 });
    await edit(stream, to);
    const ids = Array.from({ length: 20 }, (_, index) => `e-${index}`);
    for (const id of ids) await stream.publish(id);
    await worker.until("trigger.dispatched", 20);
    expect(new Set(worker.began)).toEqual(new Set(ids));
    expect(worker.of("trigger.consumer.lost")).toEqual([]);
  });

  it("sends in-progress acks in time for a shortened `ack_wait`", async ({ expect }) => {
    const stream = await createEventStream(nats.connection, { ack_wait: nanos(60_000) });
    const { promise: isReleased, resolve: release } = new Deferred<void>();
    await stream.publish("e-1");
    await using worker = await startWorker(stream, { dedup: quick({ leaseMs: 30_000 }), dispatch: () => isReleased });
    await eventually("the dispatch to begin", () => worker.began[0]);
    await edit(stream, { ack_wait: nanos(2_500) });
    await worker.until("trigger.consumer.changed");
    // Only time shows that the server keeps waiting.
    await new Promise((resolve) => setTimeout(resolve, 4_000));
    release();
    const [audit] = await worker.until("trigger.dispatched");
    expect(audit?.deliveries).toBe(1);
    expect((await stream.info()).num_redelivered).toBe(0);
  });

  it("dispatches again what an operator delivers again with a new consumer", async ({ expect }) => {
    const stream = await createEventStream(nats.connection);
    await stream.publish("e-1");
    let isFixed = false;
    await using worker = await startWorker(stream, {
      dedup: quick(),
      maxDeliver: 1,
      dispatch: () => {
        if (!isFixed) throw new Error("boom");
      },
    });
    await worker.until("trigger.dead-lettered");
    isFixed = true;
    await recreate(stream, {});
    await worker.until("trigger.dispatched");
    expect(worker.began).toEqual(["e-1", "e-1"]);
  });

  it("shortens delays when delayed messages fill `max_ack_pending`, so that others are delivered", async ({
    expect,
  }) => {
    const stream = await createEventStream(nats.connection, { max_ack_pending: 10 });
    for (let at = 0; at < 10; at += 1) await stream.publish(`bad-${at}`);
    await stream.publish("good");
    await using worker = await startWorker(stream, {
      dedup: quick(),
      maxDeliver: 4,
      backoffMs: { firstMs: 2_000, longestMs: 20_000 },
      dispatch: (id) => {
        if (id !== "good") throw new Error("boom");
      },
    });
    await worker.until("trigger.dispatched");
    const warnings = worker.of("trigger.consumer.warning").map(({ finding }) => finding.sentence);
    expect(warnings).toContainEqual(expect.stringContaining("`max_ack_pending` of 10 is reached"));
    // Without the bound the third delay is 8 s.
    const delays = worker.of("trigger.nakked").map(({ delayMs }) => delayMs);
    expect(delays.length).toBeGreaterThanOrEqual(30);
    expect(delays.filter((delayMs) => delayMs > 4_000)).toEqual([]);
  });
});
