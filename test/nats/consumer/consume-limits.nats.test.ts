import type { ConsumerConfig } from "@nats-io/jetstream";
import { nanos } from "@nats-io/nats-core";
import { connect } from "@nats-io/transport-node";
import { describe, expect, it } from "vitest";
import { Deduplicator, type DeduplicatorOptions, memoryStore } from "../../../src/index.ts";
import { Deferred } from "../../../src/internal/deferred.ts";
import { createEventStream, DURABLE, type EventStream } from "../../support/event-stream.ts";
import { eventually } from "../../support/eventually.ts";
import { startProxy } from "../../support/tcp-proxy.ts";
import { useNatsServer } from "../../support/use-nats-server.ts";
import { startWorker } from "../../support/worker.ts";

const nats = useNatsServer();

const quick = (more: Partial<DeduplicatorOptions> = {}): DeduplicatorOptions => ({
  store: memoryStore(),
  leaseMs: 5_000,
  skewMs: 0,
  ...more,
});

const numbered = (count: number): readonly string[] => Array.from({ length: count }, (_, index) => `e-${index}`);

async function publishAll(stream: EventStream, ids: readonly string[]): Promise<void> {
  await Promise.all(ids.map((id) => stream.publish(id)));
}

describe("a consumer without losses", () => {
  it("dispatches one event at a time, in stream order, with a concurrency of 1", async () => {
    const stream = await createEventStream(nats.connection);
    const ids = numbered(30);
    for (const id of ids) await stream.publish(id);
    let running = 0;
    let most = 0;
    await using worker = await startWorker(stream, {
      dedup: quick(),
      concurrency: 1,
      dispatch: async () => {
        most = Math.max(most, ++running);
        await Promise.resolve();
        running -= 1;
      },
    });
    await stream.settled(30);
    expect(worker.began).toEqual(ids);
    expect(most).toBe(1);
  });

  it("dispatches a thousand events at a time once, although each is published twice", async () => {
    // The default `ack_wait` is so short that a busy machine causes redeliveries.
    const stream = await createEventStream(nats.connection, { max_ack_pending: 2_000, ack_wait: nanos(60_000) });
    const ids = numbered(2_000);
    await publishAll(stream, ids);
    await publishAll(stream, ids);
    const { promise: isReleased, resolve: release } = new Deferred<void>();
    await using worker = await startWorker(stream, { dedup: quick(), concurrency: 1_000, dispatch: () => isReleased });
    await eventually("a thousand to run", () => (worker.began.length >= 1_000 ? true : undefined));
    expect(worker.began).toHaveLength(1_000);
    release();
    await stream.settled(4_000);
    expect([...worker.began].sort()).toEqual([...ids].sort());
    expect(worker.of("trigger.deduped")).toHaveLength(2_000);
  });

  it("dispatches every event once with a `max_ack_pending` of 2 for all replicas", async () => {
    const stream = await createEventStream(nats.connection, { max_ack_pending: 2 });
    const dedup = quick();
    const ids = numbered(40);
    await publishAll(stream, ids);
    await publishAll(stream, ids);
    await using one = await startWorker(stream, { dedup });
    await using two = await startWorker(stream, { dedup });
    await stream.settled(80);
    expect([...one.began, ...two.began].sort()).toEqual([...ids].sort());
  });

  it("dispatches every event once with small values of `max_batch` and `max_expires`", async () => {
    const stream = await createEventStream(nats.connection, { max_batch: 2, max_expires: nanos(1_000) });
    const ids = numbered(20);
    await publishAll(stream, ids);
    await using worker = await startWorker(stream, { dedup: quick() });
    await stream.settled(20);
    expect([...worker.began].sort()).toEqual([...ids].sort());
    expect(worker.of("trigger.pull.failed")).toEqual([]);
  });

  it("dispatches an event whose nak is lost after `ack_wait`", async () => {
    const stream = await createEventStream(nats.connection);
    await using proxy = await startProxy(nats.server.port);
    const own = await connect({ servers: proxy.url, maxReconnectAttempts: -1, reconnectTimeWait: 50 });
    await stream.publish("e-1");
    let calls = 0;
    await using worker = await startWorker(stream, {
      dedup: quick(),
      connection: own,
      dispatch: () => {
        calls += 1;
        if (calls > 1) return;
        proxy.requests("swallow");
        throw new Error("boom");
      },
    });
    await worker.until("trigger.nakked");
    proxy.heal();
    await worker.until("trigger.dispatched");
    await stream.settled(1);
    expect(worker.began).toEqual(["e-1", "e-1"]);
    await worker.running.stop();
    await own.close();
  });
});

describe("an audit", () => {
  it("reports an unconfirmed acknowledgement if the dispatch acknowledged the message itself", async () => {
    const stream = await createEventStream(nats.connection);
    await stream.publish("e-1");
    await using worker = await startWorker(stream, {
      dedup: quick(),
      dispatch: (_, __, message) => {
        // The type of the message has no `ack`; untyped code can still call it.
        if ("ack" in message && typeof message.ack === "function") Reflect.apply(message.ack, message, []);
      },
    });
    await worker.until("trigger.ack.unconfirmed");
    await stream.settled(1);
    expect(worker.began).toEqual(["e-1"]);
  });

  it("reports a dead letter without an error for a last delivery that was never dispatched", async () => {
    const stream = await createEventStream(nats.connection, { max_deliver: 1 });
    const dedup = quick();
    const other = new Deduplicator(dedup);
    const decision = await other.reserve({
      subscriptionId: `${stream.name}/${DURABLE}`,
      eventId: JSON.stringify(["/test", "e-1"]),
    });
    await stream.publish("e-1");
    await using worker = await startWorker(stream, { dedup });
    await worker.untilDedupEvent("pending");
    await worker.running.stop({ drainMs: 0 });
    const [letter] = worker.of("trigger.dead-lettered");
    expect(letter).toMatchObject({ reason: "last-delivery", deadLetterSubject: stream.deadSubject });
    expect(letter).not.toHaveProperty("error");
    const [dead] = await stream.dead();
    expect(dead?.header.has("Latchkey-Error")).toBe(false);
    if (decision.decision === "unseen") await decision.release();
    await other.close();
  });
});

describe("a consumer", () => {
  it("stops without a dispatch if its audit listener aborts at a warning", async () => {
    const stream = await createEventStream(nats.connection, { max_ack_pending: 2 });
    await stream.publish("e-1");
    const controller = new AbortController();
    const dispatched: string[] = [];
    const running = await startWorker(stream, {
      dedup: quick(),
      signal: controller.signal,
      onAudit: () => controller.abort(),
      dispatch: (id) => dispatched.push(id),
    });
    await running.running.finished;
    expect(dispatched).toEqual([]);
    await running.dedup.close();
  });

  it("finishes without a loss if it is deleted while it stops", async () => {
    const stream = await createEventStream(nats.connection);
    await stream.publish("e-1");
    const { promise: isReleased, resolve: release } = new Deferred<void>();
    await using worker = await startWorker(stream, { dedup: quick(), dispatch: () => isReleased });
    await eventually("the dispatch to begin", () => worker.began[0]);
    const stopped = worker.running.stop();
    await stream.manager.consumers.delete(stream.name, DURABLE);
    release();
    await stopped;
    await worker.running.finished;
    expect(worker.of("trigger.consumer.lost")).toEqual([]);
    expect(worker.of("trigger.dispatched")).toMatchObject([{ commit: "confirmed" }]);
  });

  it("reports a closed deduplicator once for many messages", async () => {
    const stream = await createEventStream(nats.connection);
    await publishAll(stream, numbered(20));
    const dedup = new Deduplicator(quick());
    await dedup.close();
    await using worker = await startWorker(stream, { dedup, concurrency: 20 });
    await expect(worker.running.finished).rejects.toMatchObject({ code: "closed" });
    expect(worker.of("trigger.consumer.lost")).toHaveLength(1);
    expect(worker.began).toEqual([]);
  });
});

describe("replicas of a consumer with priority groups", () => {
  const jobs = (policy: ConsumerConfig["priority_policy"], more: Partial<ConsumerConfig> = {}) =>
    createEventStream(nats.connection, {
      ...more,
      priority_groups: ["jobs"],
      ...(policy && { priority_policy: policy }),
    });

  it("leave messages to others until enough wait, with the policy overflow", async () => {
    const stream = await jobs("overflow");
    const dedup = quick();
    await using far = await startWorker(stream, { dedup, concurrency: 1, group: { name: "jobs", minPending: 5 } });
    await using near = await startWorker(stream, { dedup, group: { name: "jobs" } });
    await publishAll(stream, numbered(4));
    await stream.settled(4);
    expect([...near.began].sort()).toEqual(numbered(4));
    await near.running.stop();
    await publishAll(stream, ["e-4", "e-5", "e-6", "e-7", "e-8", "e-9"]);
    await eventually("the overflow to be dispatched", () => far.began[0]);
  });

  it("all wait for one, and another takes over when it stops, with a pinned client", async () => {
    const stream = await jobs("pinned_client", { priority_timeout: nanos(1_000), max_ack_pending: 100 });
    const dedup = quick();
    const workers = [
      await startWorker(stream, { dedup, concurrency: 2, group: { name: "jobs" } }),
      await startWorker(stream, { dedup, concurrency: 2, group: { name: "jobs" } }),
    ] as const;
    // More than one request's worth, so the pin is carried from one request to the next.
    for (const id of numbered(20)) await stream.publish(id);
    await stream.settled(20);
    const pinned = workers.findIndex(({ began }) => began.length > 0);
    expect(workers.map(({ began }) => began.length).sort((a, b) => a - b)).toEqual([0, 20]);
    await workers[pinned]?.running.stop();
    await stream.publish("e-20");
    await stream.settled(21);
    expect(workers[1 - pinned]?.began).toEqual(["e-20"]);
    for (const worker of workers) await worker[Symbol.asyncDispose]();
  });

  it("get messages in the order of their priority, with the policy prioritized", async () => {
    const stream = await jobs("prioritized");
    const dedup = quick();
    await using second = await startWorker(stream, { dedup, group: { name: "jobs", priority: 5 } });
    await using first = await startWorker(stream, { dedup, group: { name: "jobs", priority: 1 } });
    await eventually("both to request messages", async () =>
      (await stream.info()).num_waiting >= 2 ? true : undefined,
    );
    await publishAll(stream, numbered(5));
    await stream.settled(5);
    expect([...first.began].sort()).toEqual(numbered(5));
    expect(second.began).toEqual([]);
  });

  it("are refused without a group, or with one that the consumer does not have", async () => {
    const stream = await jobs("overflow");
    await expect(startWorker(stream, { dedup: quick() })).rejects.toThrow(/`priority_groups` are `jobs`/);
    await expect(startWorker(stream, { dedup: quick(), group: { name: "mail" } })).rejects.toThrow(/names `mail`/);
  });
});
