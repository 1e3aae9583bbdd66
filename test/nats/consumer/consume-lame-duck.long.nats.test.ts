import { nanos } from "@nats-io/nats-core";
import { connect, type NatsConnection } from "@nats-io/transport-node";
import { expect, it } from "vitest";
import { natsStore } from "../../../src/nats/index.ts";
import { createEventStream } from "../../support/event-stream.ts";
import { eventually } from "../../support/eventually.ts";
import { startCluster } from "../../support/nats-server.ts";
import { startWorker } from "../../support/worker.ts";

it("a consumer dispatches every event once while a server of the cluster shuts down in lame-duck mode", async () => {
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
    for (const id of Array.from({ length: count }, (_, index) => `e-${index}-of-${ids.length}`)) {
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
