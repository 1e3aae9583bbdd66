import { connect, type NatsConnection } from "@nats-io/transport-node";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { PermanentError } from "../../../src/index.ts";
import { natsStore } from "../../../src/nats/index.ts";
import { createEventStream, openEventStream } from "../../support/event-stream.ts";
import { eventually } from "../../support/eventually.ts";
import { type NatsCluster, startCluster } from "../../support/nats-server.ts";
import { quick } from "../../support/quick.ts";
import { RECONNECTS } from "../../support/use-nats-server.ts";
import { startWorker } from "../../support/worker.ts";

let cluster: NatsCluster;
beforeAll(async () => {
  cluster = await startCluster({ size: 3 });
});
afterAll(() => cluster.stop());

/** Opens a connection that stays with one server. */
function connectedTo(url: string): Promise<NatsConnection> {
  return connect({ servers: url, ignoreClusterUpdates: true, ...RECONNECTS });
}

const ids = ["e-1", "e-2", "e-3"];

describe("a consumer on three servers", () => {
  it("keeps messages until their dead letters are stored, and dispatches nothing again, while the letters' stream has no quorum", async () => {
    const [anywhere] = cluster.urls;
    const first = await connectedTo(anywhere ?? "");
    // One replica: the events stay available on the one server that remains.
    const { name, deadName, manager } = await createEventStream(first, {}, "file", 1);
    await manager.streams.update(deadName, { num_replicas: 3 });
    // Until then the first replica stores letters alone.
    await eventually("three replicas of the letters", async () => {
      const { cluster: placed } = await manager.streams.info(deadName);
      return placed?.replicas?.filter(({ current }) => current).length === 2;
    });
    const home = await cluster.leaderOf(name);
    const connection = await connectedTo(home.url);
    const stream = await openEventStream(connection, name);
    const others = cluster.servers.filter((server) => server !== home);
    await using worker = await startWorker(stream, {
      connection,
      dedup: quick(),
      backoffMs: { firstMs: 100, longestMs: 500 },
      dispatch: () => Promise.reject(new PermanentError("never")),
    });
    for (const server of others) await server.kill("SIGSTOP");
    try {
      for (const id of ids) await stream.publish(id);
      await worker.until("trigger.dead-letter.failed", ids.length);
      expect(worker.of("trigger.dead-lettered")).toEqual([]);
      expect(worker.of("trigger.dead-letter.lost")).toEqual([]);
    } finally {
      for (const server of others) await server.kill("SIGCONT");
      await cluster.ready();
    }
    await worker.until("trigger.dead-lettered", ids.length);
    await stream.settled(ids.length);
    const letters = new Set((await stream.dead()).map((letter) => letter.string()));
    expect(letters).toEqual(new Set(ids.map((id) => `body of ${id}`)));
    expect(worker.began.toSorted()).toEqual(ids);
    await Promise.all([first.close(), connection.close()]);
  });

  it("dispatches none of three copies again after a failure for good that is remembered, whichever replica gets them", async () => {
    const connections = await Promise.all(cluster.urls.map(connectedTo));
    const [first] = connections;
    if (first === undefined) throw new Error("There is no server");
    const stream = await createEventStream(first, {}, "file", 3);
    const bucket = "remembered";
    await natsStore(first, { bucket, replicas: 3 });
    const began: string[] = [];
    const workers = await Promise.all(
      connections.map(async (connection) =>
        startWorker(stream, {
          connection,
          dedup: { store: await natsStore(connection, { bucket }), onPermanentError: "remember" },
          dispatch(id) {
            began.push(id);
            return Promise.reject(new PermanentError("never"));
          },
        }),
      ),
    );
    for (let copy = 1; copy <= 3; copy += 1) for (const id of ids) await stream.publish(id);
    await stream.settled(3 * ids.length);
    expect(began.toSorted()).toEqual(ids);
    const letters = workers.flatMap((worker) => worker.of("trigger.dead-lettered"));
    expect(letters.map(({ reason }) => reason)).toEqual(Array.from({ length: 9 }, () => "permanent-error"));
    expect(await stream.dead()).toHaveLength(9);
    for (const worker of workers) await worker[Symbol.asyncDispose]();
    await Promise.all(connections.map((connection) => connection.close()));
  });
});
