import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import { headers } from "@nats-io/nats-core";
import { connect } from "@nats-io/transport-node";
import { expect, it } from "vitest";
import { Deduplicator } from "../../src/deduplicator.ts";
import { enqueue } from "../../src/http/enqueue.ts";
import { github } from "../../src/http/sources/github.ts";
import { webhook } from "../../src/http/webhook.ts";
import { consume } from "../../src/nats/consumer/consume.ts";
import { memoryStore } from "../../src/stores/memory-store.ts";
import { eventually } from "../support/eventually.ts";
import { startNats } from "../support/nats-server.ts";
import { SECRET, signGitHub } from "./signers.ts";

const delivery = (id: string, body = "{}") =>
  new Request("http://127.0.0.1/hook", {
    method: "POST",
    body,
    headers: { ...signGitHub(body, SECRET, 0), "x-github-delivery": id },
  });

it("an accepted webhook is stored once and dispatched once by a consumer of the same subscription", async () => {
  await using server = await startNats();
  const connection = await connect({ servers: server.url });
  const manager = await jetstreamManager(connection);
  await manager.streams.add({ name: "HOOKS", subjects: ["hooks.>"] });
  await manager.consumers.add("HOOKS", { durable_name: "github", ack_policy: "explicit" });
  const js = jetstream(connection);
  const receive = webhook({
    source: github({ secret: SECRET }),
    enqueue: enqueue({ jetstream: js, headers, subject: ({ type }) => `hooks.${type}` }),
    onWarning: () => {},
  });

  const answers = await Promise.all(["a", "b", "a", "order%20ü"].map((id) => receive(delivery(id))));
  expect(answers.map(({ status }) => status)).toEqual([202, 202, 202, 202]);
  expect((await manager.streams.info("HOOKS")).state.messages).toBe(3);

  const dedup = new Deduplicator({ store: memoryStore() });
  const keys: string[] = [];
  const running = await consume(await js.consumers.get("HOOKS", "github"), {
    dedup,
    subscriptionId: "github",
    dispatch: (_, { reservation }) => void keys.push(reservation.key),
  });
  await eventually("three dispatches", () => keys.length === 3 || undefined);
  await running.stop();

  // A redelivery that comes after the stream's duplicate window is a duplicate of the same identity.
  const fromWebhook = webhook({
    dedup,
    source: github({ secret: SECRET }),
    dispatch: () => void keys.push("dispatched again"),
    onWarning: () => {},
  });
  expect((await fromWebhook(delivery("a"))).status).toBe(200);
  expect(keys).toHaveLength(3);
  await dedup.close();
  await connection.close();
});

it("answers 503 within its time limit while the stream is away, and stores nothing", async () => {
  await using server = await startNats();
  const connection = await connect({ servers: server.url });
  const receive = webhook({
    source: github({ secret: SECRET }),
    enqueue: enqueue({ jetstream: jetstream(connection), headers, subject: "hooks", timeoutMs: 200 }),
    onWarning: () => {},
  });
  const answered = await receive(delivery("a"));
  expect([answered.status, answered.headers.get("retry-after")]).toEqual([503, "5"]);
  await connection.close();
});

it("answers 413 to an event above the limits of the stream or the server, and 422 to one whose subject is invalid", async () => {
  await using server = await startNats();
  const connection = await connect({ servers: server.url });
  const manager = await jetstreamManager(connection);
  await manager.streams.add({ name: "HOOKS", subjects: ["hooks.>"], max_msg_size: 2_000 });
  await manager.streams.add({ name: "LARGE", subjects: ["large.>"] });
  const reported: string[] = [];
  const answerOf = async (subject: string, bytes: number) => {
    const receive = webhook({
      source: github({ secret: SECRET }),
      maxBodyBytes: 4 * 1_024 * 1_024,
      enqueue: enqueue({ jetstream: jetstream(connection), headers, subject }),
      onWarning: () => {},
      onError: (_, { code }) => void reported.push(code),
    });
    return (await receive(delivery("a", JSON.stringify("x".repeat(bytes))))).status;
  };

  expect(await answerOf("hooks.a", 3_000)).toBe(413);
  expect(await answerOf("large.a", connection.info?.max_payload ?? 0)).toBe(413);
  expect(await answerOf("hooks.a b", 100)).toBe(422);
  expect(reported).toEqual(["refused", "refused", "refused"]);
  expect(await answerOf("hooks.a", 100)).toBe(202);
  await connection.close();
});
