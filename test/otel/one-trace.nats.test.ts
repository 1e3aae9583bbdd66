import { once } from "node:events";
import { createServer, type IncomingHttpHeaders } from "node:http";
import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import { headers } from "@nats-io/nats-core";
import { connect } from "@nats-io/transport-node";
import { expect, it } from "vitest";
import { Deduplicator } from "../../src/deduplicator.ts";
import { PermanentError } from "../../src/errors.ts";
import { enqueue } from "../../src/http/enqueue.ts";
import { toNodeHandler } from "../../src/http/node-handler.ts";
import { github } from "../../src/http/sources/github.ts";
import { idempotencyKey } from "../../src/http/sources/idempotency-key.ts";
import { webhook } from "../../src/http/webhook.ts";
import { consume } from "../../src/nats/consumer/consume.ts";
import { publishOnce } from "../../src/nats/publish-once.ts";
import { instrument } from "../../src/otel/instrument.ts";
import { memoryStore } from "../../src/stores/memory-store.ts";
import { SECRET, signGitHub } from "../http/signers.ts";
import { eventually } from "../support/eventually.ts";
import { listeningPort } from "../support/free-ports.ts";
import { startNats } from "../support/nats-server.ts";
import { startRecorder } from "./recorder.ts";

const TRACE = "0af7651916cd43dd8448eb211c80319c";
const TRACEPARENT = `00-${TRACE}-b7ad6b7169203331-01`;

it("one trace leads from the webhook over the stream to the endpoint, and the dead letter belongs to it", async () => {
  await using server = await startNats();
  await using recorder = startRecorder();
  const connection = await connect({ servers: server.url });
  const manager = await jetstreamManager(connection);
  await manager.streams.add({ name: "HOOKS", subjects: ["hooks.>"] });
  await manager.streams.add({ name: "DEAD", subjects: ["dead.>"] });
  await manager.streams.add({ name: "RECEIPTS", subjects: ["receipts.*"] });
  await manager.consumers.add("RECEIPTS", { durable_name: "mail", ack_policy: "explicit" });
  await manager.consumers.add("HOOKS", { durable_name: "github", ack_policy: "explicit" });
  const js = jetstream(connection);

  const endpointDedup = new Deduplicator({ store: memoryStore() });
  const received: IncomingHttpHeaders[] = [];
  const endpoint = webhook({
    dedup: endpointDedup,
    source: idempotencyKey(),
    telemetry: instrument(endpointDedup, recorder),
    dispatch: () => {},
    onWarning: () => {},
  });
  const http = createServer((request, response) => {
    received.push(request.headers);
    toNodeHandler(endpoint)(request, response);
  }).listen(0, "127.0.0.1");
  await once(http, "listening");

  const dedup = new Deduplicator({ store: memoryStore() });
  const telemetry = instrument(dedup, recorder);
  const receive = webhook({
    source: github({ secret: SECRET }),
    telemetry,
    enqueue: enqueue({ jetstream: js, headers, subject: "hooks.github" }),
    onWarning: () => {},
  });
  const running = await consume(await js.consumers.get("HOOKS", "github"), {
    dedup,
    telemetry,
    deadLetter: { subject: "dead.github", jetstream: js },
    async dispatch(message, { reservation }) {
      const sent = new Headers({ "idempotency-key": reservation.idempotencyKey });
      telemetry.inject(sent);
      await fetch(`http://127.0.0.1:${listeningPort(http)}/`, {
        method: "POST",
        body: message.string(),
        headers: sent,
      });
      await publishOnce(js, "receipts", "paid", reservation, { telemetry });
      throw new PermanentError("after the request");
    },
  });
  const mailed: string[] = [];
  const mailing = await consume(await js.consumers.get("RECEIPTS", "mail"), {
    dedup,
    telemetry,
    dispatch: (message) => mailed.push(message.string()),
  });

  const body = '{"secret":"payload-of-the-test"}';
  const delivery = { ...signGitHub(body, SECRET, 0), traceparent: TRACEPARENT };
  expect((await receive(new Request("http://127.0.0.1/", { method: "POST", body, headers: delivery }))).status).toBe(
    202,
  );
  await eventually("a dead letter", async () => (await manager.streams.info("DEAD")).state.messages === 1);
  await eventually("the receipt to be dispatched", () => mailed[0]);
  await running.stop();
  await mailing.stop();

  const spans = recorder.spans();
  const named = (name: string) => spans.filter((span) => span.name === name);
  const idOf = (name: string, index = 0) => named(name)[index]?.spanContext().spanId;
  const parentOf = (name: string, index = 0) => named(name)[index]?.parentSpanContext?.spanId;
  expect(new Set(spans.map((span) => span.spanContext().traceId))).toEqual(new Set([TRACE]));
  expect(parentOf("receive github")).toBe("b7ad6b7169203331");
  expect(parentOf("process HOOKS")).toBe(idOf("receive github"));
  const dispatches = named("dispatch");
  const childOf = (name: string) =>
    dispatches.find(({ parentSpanContext }) => parentSpanContext?.spanId === idOf(name));
  const [atEndpoint, atConsumer] = [childOf("receive idempotency-key"), childOf("process HOOKS")];
  expect(atConsumer).toBeDefined();
  expect(parentOf("process RECEIPTS")).toBe(atConsumer?.spanContext().spanId);
  expect(parentOf("receive idempotency-key")).toBe(atConsumer?.spanContext().spanId);
  expect(atEndpoint).toBeDefined();
  expect(received[0]?.["traceparent"]).toContain(TRACE);
  const letter = await manager.streams.getMessage("DEAD", { seq: 1 });
  expect(letter?.header.get("traceparent")).toContain(TRACE);
  const letters = (await recorder.points()).get("latchkey.dead_letters") ?? [];
  expect(letters.filter(({ value }) => value !== 0)).toMatchObject([
    { attributes: { reason: "permanent-error" }, value: 1 },
  ]);
  expect((await recorder.points()).get("latchkey.deliveries")?.map(({ attributes }) => attributes)).toEqual(
    expect.arrayContaining([
      { kind: "request", outcome: "202" },
      { kind: "request", outcome: "204" },
      { kind: "message", outcome: "failed" },
    ]),
  );
  expect(JSON.stringify(spans.map(({ attributes, events }) => ({ attributes, events })))).not.toContain("payload-of");

  http.close();
  await dedup.close();
  await endpointDedup.close();
  await connection.close();
});
