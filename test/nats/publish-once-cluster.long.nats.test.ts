import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import { connect, nanos } from "@nats-io/transport-node";
import { expect, it } from "vitest";
import { publishOnce } from "../../src/nats/index.ts";
import { startCluster } from "../support/nats-server.ts";

it("G12 publishOnce stores one message per event while the leader of the stream is killed between publish and answer", async () => {
  await using cluster = await startCluster({ size: 3 });
  const nc = await connect({ servers: [...cluster.urls], maxReconnectAttempts: -1, reconnectTimeWait: 50 });
  const js = jetstream(nc);
  const jsm = await jetstreamManager(nc);
  await jsm.streams.add({ name: "S", subjects: ["s", "s.*"], num_replicas: 3, duplicate_window: nanos(120_000) });
  const events = Array.from({ length: 40 }, (_, at) => at);
  // One half is published with each promise.
  const publish = (event: number) =>
    publishOnce(
      js,
      "s",
      String(event),
      { idempotencyKey: `trigger.dedup.v1:${event}`, fence: 1 },
      {
        timeoutMs: 60_000,
        ...(event % 2 === 0 ? {} : { withinMs: 120_000 }),
      },
    );
  const leader = await cluster.leaderOf("S");
  const answers = events.map(publish);
  // The first answers arrive, and the messages of the others are on their way.
  await answers[0];
  await leader.kill("SIGKILL");
  await Promise.all(answers);
  await leader.restart();
  await cluster.ready();
  const repeated = await Promise.all(events.map(publish));
  expect(repeated.every(({ duplicate }) => duplicate)).toBe(true);
  expect((await jsm.streams.info("S")).state.messages).toBe(events.length);
  expect(new Set(repeated.map(({ seq }) => seq)).size).toBe(events.length);
  await nc.close();
});
