import { connect, type NatsConnection } from "@nats-io/transport-node";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { memoryStore } from "../../../src/index.ts";
import { isObject } from "../../cli/support/fake-io.ts";
import { eventually } from "../../support/eventually.ts";
import { type NatsServer, startNats } from "../../support/nats-server.ts";
import { startProxy } from "../../support/tcp-proxy.ts";
import { type Replica, replica } from "../../support/worker-replica.ts";
import { eventStream } from "../../support/worker-stream.ts";

let server: NatsServer;
let nc: NatsConnection;

beforeAll(async () => {
  server = await startNats();
  nc = await connect({ servers: server.url, maxReconnectAttempts: -1, reconnectTimeWait: 50 });
});

afterAll(async () => {
  await nc.close();
  await server.stop();
});

/**
 * A replica that was given three messages, though it works on two at once: after a reconnect the client repeats its whole
 * request for two, though one of them came before. On a machine that is slow to it, it may have given up the request meanwhile.
 */
async function overfilled() {
  for (let tries = 1; tries <= 5; tries += 1) {
    const stream = await eventStream(nc);
    const proxy = await startProxy(server.port);
    const own = await connect({ servers: proxy.url, ...OVER_PROXY });
    const dedup = { store: memoryStore(), leaseMs: 30_000, skewMs: 0 };
    await stream.publish("e-1");
    const it = await replica(stream, {
      dedup,
      connection: own,
      concurrency: 2,
      dispatch: (_, { signal }) =>
        new Promise((_resolve, reject) => {
          signal.addEventListener("abort", () => reject(signal.reason));
        }),
    });
    await eventually("the first dispatch to begin", () => it.began[0]);
    const former = own.info?.client_id ?? 0;
    proxy.cut();
    proxy.heal();
    // Until the server has noticed, it sends to the connection that is gone, and what it sends comes back later, out of turn.
    await eventually("the server to have noticed", async () =>
      own.info?.client_id !== former && !(await clientIds(server)).includes(former) ? true : undefined,
    );
    await stream.publish("e-2");
    await stream.publish("e-3");
    const areDelivered = async (): Promise<true | undefined> => {
      const { num_pending, num_ack_pending } = await stream.info();
      return num_pending === 0 && num_ack_pending === 3 ? true : undefined;
    };
    const isOverfilled = await eventually("all to be delivered", areDelivered, 10_000).catch(() => false);
    if (isOverfilled) return { stream, dedup, own, it, proxy };
    await it[Symbol.asyncDispose]();
    await own.close();
    await proxy.close();
  }
  throw new Error("The client never repeated its request");
}

const OVER_PROXY = { maxReconnectAttempts: -1, reconnectTimeWait: 50, timeout: 2_000 };
const quick = () => ({ store: memoryStore(), leaseMs: 1_000, skewMs: 0 });

/** Whom the server takes to be connected. */
async function clientIds(of: NatsServer): Promise<readonly unknown[]> {
  const answer = await of.monitor("/connz");
  const connections = isObject(answer) ? answer["connections"] : undefined;
  return Array.isArray(connections) ? connections.filter(isObject).map(({ cid }) => cid) : [];
}

describe("when the network fails", () => {
  it("G9 an acknowledgement that got lost makes the next delivery a duplicate, and no second dispatch", async () => {
    const stream = await eventStream(nc);
    await using proxy = await startProxy(server.port);
    const own = await connect({ servers: proxy.url, ...OVER_PROXY });
    await stream.publish("e-1");
    await using it = await replica(stream, {
      dedup: quick(),
      connection: own,
      // Nothing that the consumer sends from now on arrives.
      dispatch: () => proxy.requests("swallow"),
    });
    await it.until("trigger.ack.unconfirmed");
    proxy.heal();
    await it.until("trigger.deduped");
    await eventually("the message to be acknowledged", async () =>
      (await stream.info()).ack_floor.stream_seq === 1 ? true : undefined,
    );
    expect(it.began).toEqual(["e-1"]);
    await it.running.stop();
    await own.close();
  });

  it("a confirmation that got lost changes nothing", async () => {
    const stream = await eventStream(nc);
    await using proxy = await startProxy(server.port);
    const own = await connect({ servers: proxy.url, ...OVER_PROXY });
    await stream.publish("e-1");
    await using it = await replica(stream, {
      dedup: quick(),
      connection: own,
      dispatch: () => proxy.answers("swallow"),
    });
    await it.until("trigger.ack.unconfirmed");
    proxy.heal();
    await stream.publish("e-2");
    await it.until("trigger.dispatched", 2);
    await eventually("both to be acknowledged", async () =>
      (await stream.info()).ack_floor.stream_seq === 2 ? true : undefined,
    );
    expect(it.began).toEqual(["e-1", "e-2"]);
    await it.running.stop();
    await own.close();
  });

  it("an event whose connection breaks in mid-dispatch is dispatched once, though it is delivered to another meanwhile", async () => {
    const stream = await eventStream(nc);
    await using proxy = await startProxy(server.port);
    const own = await connect({ servers: proxy.url, ...OVER_PROXY });
    const store = memoryStore();
    const dedup = { store, leaseMs: 5_000, skewMs: 0 };
    await stream.publish("e-1");
    let other: Replica | undefined;
    await using it = await replica(stream, {
      dedup,
      connection: own,
      dispatch: async () => {
        proxy.cut();
        other = await replica(stream, { dedup });
        await other.until("trigger.nakked");
        proxy.heal();
      },
    });
    await it.until("trigger.dispatched");
    await eventually("the message to be acknowledged", async () =>
      (await stream.info()).ack_floor.stream_seq === 1 ? true : undefined,
    );
    expect(it.began).toEqual(["e-1"]);
    expect(other?.began).toEqual([]);
    await other?.[Symbol.asyncDispose]();
    await stream.publish("e-2");
    await it.until("trigger.dispatched", 2);
    await it.running.stop();
    await own.close();
  });

  it("F17 what came beyond the concurrency waits its turn, and is put back unbegun when the consumer stops", async () => {
    const { stream, dedup, own, it, proxy } = await overfilled();
    await using _ = proxy;
    // What the server sent before its answer to this has arrived.
    await own.flush();
    expect(it.began).toEqual(["e-1", "e-2"]);
    await it.running.stop({ drainMs: 0 });
    expect(it.began).toEqual(["e-1", "e-2"]);
    expect(
      it
        .of("trigger.nakked")
        .map(({ delay, sequence }) => [sequence, delay])
        .sort(),
    ).toEqual([
      [1, "none"],
      [2, "none"],
      [3, "none"],
    ]);
    await it[Symbol.asyncDispose]();
    await own.close();
    await using other = await replica(stream, { dedup });
    await other.until("trigger.dispatched", 3);
    expect(new Set(other.began)).toEqual(new Set(["e-1", "e-2", "e-3"]));
  });

  it("it asks again by itself when the server was silent for so long that its request is given up", async () => {
    const stream = await eventStream(nc);
    await using proxy = await startProxy(server.port);
    const own = await connect({ servers: proxy.url, ...OVER_PROXY });
    await using it = await replica(stream, { dedup: quick(), connection: own, concurrency: 1 });
    proxy.answers("hold");
    await it.until("trigger.pull.failed");
    proxy.heal();
    await stream.publish("e-1");
    await it.until("trigger.dispatched");
    await it.running.stop();
    await own.close();
  });

  it("it is told when the connection is closed while it looks for the reason of the silence", async () => {
    const stream = await eventStream(nc);
    await using proxy = await startProxy(server.port);
    const own = await connect({ servers: proxy.url, ...OVER_PROXY });
    await using it = await replica(stream, { dedup: quick(), connection: own });
    proxy.answers("hold");
    await it.until("trigger.pull.failed");
    await own.close();
    await expect(it.running.finished).rejects.toMatchObject({
      code: "closed",
      message: expect.stringContaining("the connection is closed"),
    });
    expect(it.of("trigger.consumer.lost")).toHaveLength(1);
  });

  it("it goes on by itself when the server was away, killed and started again", async () => {
    const stream = await eventStream(nc, {}, "file");
    await using it = await replica(stream, { dedup: quick() });
    await stream.publish("e-1");
    await it.until("trigger.dispatched");
    await server.kill("SIGKILL");
    await server.restart();
    await eventually("the second event to be published", async () => {
      await stream.publish("e-2");
      return true;
    });
    await it.until("trigger.dispatched", 2);
    expect(new Set(it.began)).toEqual(new Set(["e-1", "e-2"]));
  });
});
