import type { Consumer } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import { describe, expect, it } from "vitest";
import { memoryStore } from "../../../src/index.ts";
import { createEventStream, type EventStream } from "../../support/event-stream.ts";
import { eventually } from "../../support/eventually.ts";
import { startProxy } from "../../support/tcp-proxy.ts";
import { useNatsServer } from "../../support/use-nats-server.ts";
import { startWorker, type Worker } from "../../support/worker.ts";

const nats = useNatsServer();

const OVER_PROXY = { maxReconnectAttempts: -1, reconnectTimeWait: 50, timeout: 2_000 };
const quick = () => ({ store: memoryStore(), leaseMs: 1_000, skewMs: 0 });

/** Returns a consumer whose first fetch requests one more message: after a reconnect, the client repeats its whole request. */
async function overfilling(stream: EventStream): Promise<Consumer> {
  const consumer = await stream.consumer();
  const fetch = consumer.fetch.bind(consumer);
  let fetches = 0;
  consumer.fetch = (options) => {
    fetches += 1;
    const requested = options !== undefined && "max_messages" in options ? (options.max_messages ?? 0) : 0;
    return fetch(fetches === 1 ? { ...options, max_messages: requested + 1 } : options);
  };
  return consumer;
}

describe("a consumer whose network fails", () => {
  it("G9 treats the redelivery after a lost acknowledgement as a duplicate", async () => {
    const stream = await createEventStream(nats.connection);
    await using proxy = await startProxy(nats.server.port);
    const own = await connect({ servers: proxy.url, ...OVER_PROXY });
    await stream.publish("e-1");
    await using worker = await startWorker(stream, {
      dedup: quick(),
      connection: own,
      // Drops every byte that the consumer sends from now on.
      dispatch: () => proxy.requests("swallow"),
    });
    await worker.until("trigger.ack.unconfirmed");
    proxy.heal();
    await worker.until("trigger.deduped");
    await eventually("the message to be acknowledged", async () =>
      (await stream.info()).ack_floor.stream_seq === 1 ? true : undefined,
    );
    expect(worker.began).toEqual(["e-1"]);
    await worker.running.stop();
    await own.close();
  });

  it("does not dispatch again after a lost confirmation", async () => {
    const stream = await createEventStream(nats.connection);
    await using proxy = await startProxy(nats.server.port);
    const own = await connect({ servers: proxy.url, ...OVER_PROXY });
    await stream.publish("e-1");
    await using worker = await startWorker(stream, {
      dedup: quick(),
      connection: own,
      dispatch: () => proxy.answers("swallow"),
    });
    await worker.until("trigger.ack.unconfirmed");
    proxy.heal();
    await stream.publish("e-2");
    await worker.until("trigger.dispatched", 2);
    await eventually("both to be acknowledged", async () =>
      (await stream.info()).ack_floor.stream_seq === 2 ? true : undefined,
    );
    expect(worker.began).toEqual(["e-1", "e-2"]);
    await worker.running.stop();
    await own.close();
  });

  it("dispatches an event once when the connection breaks during the dispatch and another worker receives it", async () => {
    const stream = await createEventStream(nats.connection);
    await using proxy = await startProxy(nats.server.port);
    const own = await connect({ servers: proxy.url, ...OVER_PROXY });
    const store = memoryStore();
    const dedup = { store, leaseMs: 5_000, skewMs: 0 };
    await stream.publish("e-1");
    let other: Worker | undefined;
    await using worker = await startWorker(stream, {
      dedup,
      connection: own,
      dispatch: async () => {
        proxy.cut();
        other = await startWorker(stream, { dedup });
        await other.until("trigger.nakked");
        proxy.heal();
      },
    });
    await worker.until("trigger.dispatched");
    await eventually("the message to be acknowledged", async () =>
      (await stream.info()).ack_floor.stream_seq === 1 ? true : undefined,
    );
    expect(worker.began).toEqual(["e-1"]);
    expect(other?.began).toEqual([]);
    await other?.[Symbol.asyncDispose]();
    await stream.publish("e-2");
    await worker.until("trigger.dispatched", 2);
    await worker.running.stop();
    await own.close();
  });

  it("F17 queues messages beyond the concurrency, and naks them without a dispatch when it stops", async () => {
    const stream = await createEventStream(nats.connection);
    const dedup = { store: memoryStore(), leaseMs: 30_000, skewMs: 0 };
    for (const id of ["e-1", "e-2", "e-3"]) await stream.publish(id);
    await using worker = await startWorker(stream, {
      dedup,
      consumer: await overfilling(stream),
      concurrency: 2,
      dispatch: (_, { signal }) =>
        new Promise((_resolve, reject) => {
          signal.addEventListener("abort", () => reject(signal.reason));
        }),
    });
    await eventually("three messages to be delivered", async () =>
      (await stream.info()).num_ack_pending === 3 ? true : undefined,
    );
    // Everything that the server sent before its answer to this has arrived.
    await nats.connection.flush();
    expect(worker.began).toEqual(["e-1", "e-2"]);
    await worker.running.stop({ drainMs: 0 });
    expect(worker.began).toEqual(["e-1", "e-2"]);
    expect(
      worker
        .of("trigger.nakked")
        .map(({ delay, sequence }) => [sequence, delay])
        .sort(),
    ).toEqual([
      [1, "none"],
      [2, "none"],
      [3, "none"],
    ]);
    await using other = await startWorker(stream, { dedup });
    await other.until("trigger.dispatched", 3);
    expect(new Set(other.began)).toEqual(new Set(["e-1", "e-2", "e-3"]));
  });

  it("fetches again after a request without heartbeats", async () => {
    const stream = await createEventStream(nats.connection);
    await using proxy = await startProxy(nats.server.port);
    const own = await connect({ servers: proxy.url, ...OVER_PROXY });
    await using worker = await startWorker(stream, { dedup: quick(), connection: own, concurrency: 1 });
    proxy.answers("hold");
    await worker.until("trigger.pull.failed");
    proxy.heal();
    await stream.publish("e-1");
    await worker.until("trigger.dispatched");
    await worker.running.stop();
    await own.close();
  });

  it("reports a connection that is closed during the diagnosis of a failed fetch", async () => {
    const stream = await createEventStream(nats.connection);
    await using proxy = await startProxy(nats.server.port);
    const own = await connect({ servers: proxy.url, ...OVER_PROXY });
    await using worker = await startWorker(stream, { dedup: quick(), connection: own });
    proxy.answers("hold");
    await worker.until("trigger.pull.failed");
    await own.close();
    await expect(worker.running.finished).rejects.toMatchObject({
      code: "closed",
      message: expect.stringContaining("the connection is closed"),
    });
    expect(worker.of("trigger.consumer.lost")).toHaveLength(1);
  });

  it("continues after the server was killed and restarted", async () => {
    const stream = await createEventStream(nats.connection, {}, "file");
    await using worker = await startWorker(stream, { dedup: quick() });
    await stream.publish("e-1");
    await worker.until("trigger.dispatched");
    await nats.server.kill("SIGKILL");
    await nats.server.restart();
    await eventually("the second event to be published", async () => {
      await stream.publish("e-2");
      return true;
    });
    await worker.until("trigger.dispatched", 2);
    expect(new Set(worker.began)).toEqual(new Set(["e-1", "e-2"]));
  });
});
