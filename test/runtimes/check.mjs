// Runs in the project that installed the packed tarball, on each runtime. Prints one line per check; fails with the first error.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import process from "node:process";
import { AckPolicy, jetstream, jetstreamManager } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import { Deduplicator, dedupKey, memoryStore } from "latchkey";
import { github, webhook } from "latchkey/http";
import { consume, natsStore } from "latchkey/nats";
import { exhaust } from "latchkey/testing";

const identity = { subscriptionId: "sub-1", eventId: "evt-1" };
const KEY = "trigger.dedup.v1:711410f3fe7a3baf23123009ae81145fb9f13140ee741516266fbc14c35f1cc4";

await check("require()", async () => {
  assert.equal(createRequire(import.meta.url)("latchkey").dedupKey("sub-1", "evt-1"), KEY);
  assert.equal(dedupKey("sub-1", "evt-1"), KEY);
});

await check("guard with the memory store", () => guardsOnce(memoryStore()));

await check("webhook", async () => {
  const dedup = new Deduplicator({ store: memoryStore() });
  const receive = webhook({ dedup, source: github({ secret: "s" }), dispatch: () => {}, onWarning: () => {} });
  const answer = await receive(new Request("http://localhost/", { method: "POST", body: "{}" }));
  assert.equal(answer.status, 401);
  await dedup.close();
});

await check("testing kit", async () => {
  await exhaust(
    (replica) => {
      const dedup = new Deduplicator(replica);
      return ({ event }) =>
        dedup.guard({ subscriptionId: "s", eventId: event }, (reservation) => replica.effect(event, reservation));
    },
    { preemptions: 1 },
  );
});

const connection = await connect({ servers: process.env["NATS_URL"] });
const bucket = `runtimes-${process.env["RUNTIME"]}`;

await check("guard with NATS", async () => guardsOnce(await natsStore(connection, { bucket })));

await check("consume", async () => {
  const stream = `EVENTS-${process.env["RUNTIME"]}`;
  const manager = await jetstreamManager(connection);
  await manager.streams.add({ name: stream, subjects: [stream] });
  await manager.consumers.add(stream, { durable_name: "worker", ack_policy: AckPolicy.Explicit });
  const js = jetstream(connection);
  const dedup = new Deduplicator({ store: await natsStore(connection, { bucket }) });
  const seen = [];
  const done = new AbortController();
  const running = await consume(await js.consumers.get(stream, "worker"), {
    dedup,
    identify: (message, subscriptionId) => ({ subscriptionId, eventId: message.string() }),
    dispatch: (message) => void seen.push(message.string()),
    onAudit: ({ type, sequence }) => type !== "trigger.consumer.warning" && sequence === 3 && done.abort(),
  });
  for (const event of ["a", "a", "b"]) await js.publish(stream, event);
  await new Promise((resolve) => done.signal.addEventListener("abort", resolve));
  await running.stop();
  await dedup.close();
  assert.deepEqual(seen.sort(), ["a", "b"]);
});

await connection.close();

/** @param {string} what @param {() => Promise<void>} run */
async function check(what, run) {
  await run();
  console.log(`ok ${what}`);
}

/** @param {import("latchkey").Store} store */
async function guardsOnce(store) {
  const dedup = new Deduplicator({ store });
  const outcomes = [];
  for (let delivery = 0; delivery < 2; delivery += 1)
    outcomes.push((await dedup.guard(identity, () => "done")).outcome);
  await dedup.close();
  assert.deepEqual(outcomes, ["dispatched", "duplicate"]);
}
