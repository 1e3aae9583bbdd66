import { nanos } from "@nats-io/nats-core";
import { connect, type NatsConnection } from "@nats-io/transport-node";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { fromDebian } from "../../../scripts/nats-server.mjs";
import { Deduplicator, type DeduplicatorOptions, memoryStore, PermanentError } from "../../../src/index.ts";
import { deferred } from "../../../src/internal/deferred.ts";
import { natsStore } from "../../../src/nats/index.ts";
import { createEventStream, DURABLE, type EventStream } from "../../support/event-stream.ts";
import { eventually } from "../../support/eventually.ts";
import { type NatsServer, startCluster, startNats } from "../../support/nats-server.ts";
import { startProxy } from "../../support/tcp-proxy.ts";
import { startWorker } from "../../support/worker.ts";

let server: NatsServer;
let nc: NatsConnection;

beforeAll(async () => {
  server = await startNats();
  nc = await connect({ servers: server.url });
});

afterAll(async () => {
  await nc.close();
  await server.stop();
});

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

describe("every event is dispatched once", () => {
  it("one at a time, in the order in which they came", async () => {
    const stream = await createEventStream(nc);
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

  it("a thousand at a time, and twice as many published", async () => {
    const stream = await createEventStream(nc, { max_ack_pending: 2_000 });
    const ids = numbered(2_000);
    await publishAll(stream, ids);
    await publishAll(stream, ids);
    const { promise: isReleased, resolve: release } = deferred<void>();
    await using worker = await startWorker(stream, { dedup: quick(), concurrency: 1_000, dispatch: () => isReleased });
    await eventually("a thousand to run", () => (worker.began.length >= 1_000 ? true : undefined));
    expect(worker.began).toHaveLength(1_000);
    release();
    await stream.settled(4_000);
    expect([...worker.began].sort()).toEqual([...ids].sort());
    expect(worker.of("trigger.deduped")).toHaveLength(2_000);
  });

  it("though the server gives out no more than two at a time, to all replicas together", async () => {
    const stream = await createEventStream(nc, { max_ack_pending: 2 });
    const dedup = quick();
    const ids = numbered(40);
    await publishAll(stream, ids);
    await publishAll(stream, ids);
    await using one = await startWorker(stream, { dedup });
    await using two = await startWorker(stream, { dedup });
    await stream.settled(80);
    expect([...one.began, ...two.began].sort()).toEqual([...ids].sort());
  });

  it("though the consumer takes small requests only, that do not wait for long", async () => {
    const stream = await createEventStream(nc, { max_batch: 2, max_expires: nanos(1_000) });
    const ids = numbered(20);
    await publishAll(stream, ids);
    await using worker = await startWorker(stream, { dedup: quick() });
    await stream.settled(20);
    expect([...worker.began].sort()).toEqual([...ids].sort());
    expect(worker.of("trigger.pull.failed")).toEqual([]);
  });

  it("though what was put back never arrived there: it comes back by itself", async () => {
    const stream = await createEventStream(nc);
    await using proxy = await startProxy(server.port);
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

  it("while a server of a cluster retires, to which one of the replicas was connected", async () => {
    await using cluster = await startCluster({
      size: 3,
      config: 'lame_duck_grace_period: "1s"\nlame_duck_duration: "30s"',
    });
    const [first] = cluster.servers;
    if (first === undefined) throw new Error("There is no server");
    const connections = await Promise.all(
      cluster.servers.map((own) =>
        connect({
          servers: [own.url, ...cluster.urls],
          noRandomize: true,
          maxReconnectAttempts: -1,
          reconnectTimeWait: 50,
        }),
      ),
    );
    const [retiring, other, sender] = connections;
    if (retiring === undefined || other === undefined || sender === undefined) throw new Error("not connected");
    const stream = await createEventStream(sender, { ack_wait: nanos(3_000) }, "file", 3);
    const bucket = "retirement";
    await natsStore(sender, { bucket });
    const workAt = async (connection: NatsConnection) =>
      startWorker(stream, {
        connection,
        dedup: { store: await natsStore(connection, { bucket }) },
        dispatch: () => new Promise((resolve) => setTimeout(resolve, 50)),
      });
    await using one = await workAt(retiring);
    await using two = await workAt(other);
    const isThere = (): boolean => retiring.getServer() === first.url.replace("nats://", "");
    expect(isThere()).toBe(true);
    const ids: string[] = [];
    const publish = async (count: number): Promise<void> => {
      for (const id of numbered(count).map((name) => `${name}-of-${ids.length}`)) {
        await eventually(`${id} to be published`, () => stream.publish(id).then(() => true));
        ids.push(id);
      }
    };
    await publish(20);
    await first.kill("SIGUSR2");
    while (isThere()) await publish(5);
    const before = one.began.length;
    await publish(100);
    await eventually("all to be dispatched", () =>
      one.of("trigger.dispatched").length + two.of("trigger.dispatched").length >= ids.length ? true : undefined,
    );
    expect([...one.began, ...two.began].sort()).toEqual([...ids].sort());
    expect(one.began.length).toBeGreaterThan(before);
    await Promise.all([one.running.stop(), two.running.stop()]);
    await Promise.all(connections.map((connection) => connection.close()));
  });
});

describe("what is told", () => {
  it("of a message whose dispatch acknowledges it by itself: that nobody knows whether the server has it", async () => {
    const stream = await createEventStream(nc);
    await stream.publish("e-1");
    await using worker = await startWorker(stream, {
      dedup: quick(),
      dispatch: (_, __, message) => {
        // Its type says that this is not its business; who gets round that is on his own.
        if ("ack" in message && typeof message.ack === "function") Reflect.apply(message.ack, message, []);
      },
    });
    await worker.until("trigger.ack.unconfirmed");
    await stream.settled(1);
    expect(worker.began).toEqual(["e-1"]);
  });

  it("of a last delivery that was never dispatched: a dead letter with no error", async () => {
    const stream = await createEventStream(nc, { max_deliver: 1 });
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

describe("the end of a consumer", () => {
  it("comes at once when whoever is told of a warning wants none", async () => {
    const stream = await createEventStream(nc, { max_ack_pending: 2 });
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

  it("is no loss when it was asked for, though the consumer is deleted meanwhile", async () => {
    const stream = await createEventStream(nc);
    await stream.publish("e-1");
    const { promise: isReleased, resolve: release } = deferred<void>();
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

  it("is told once, however many messages find the deduplicator closed", async () => {
    const stream = await createEventStream(nc);
    await publishAll(stream, numbered(20));
    const dedup = new Deduplicator(quick());
    await dedup.close();
    await using worker = await startWorker(stream, { dedup, concurrency: 20 });
    await expect(worker.running.finished).rejects.toMatchObject({ code: "closed" });
    expect(worker.of("trigger.consumer.lost")).toHaveLength(1);
    expect(worker.began).toEqual([]);
  });
});

describe("a server that is too old for the bucket", () => {
  it.for(["bookworm", "trixie"])(
    "as Debian %s's: dead letters are terminated all the same",
    async (suite, { skip }) => {
      const { path } = await fromDebian(suite).catch((reason: unknown) => skip(`no older server: ${String(reason)}`));
      await using old = await startNats({ binary: path });
      const own = await connect({ servers: old.url });
      const stream = await createEventStream(own);
      await stream.publish("e-1");
      await using worker = await startWorker(stream, {
        dedup: quick(),
        dispatch: () => Promise.reject(new PermanentError("never")),
      });
      await worker.until("trigger.dead-lettered");
      await stream.settled(1);
      expect(worker.began).toEqual(["e-1"]);
      expect(await stream.dead()).toHaveLength(1);
      await worker.running.stop();
      await own.close();
    },
  );
});
