import { jetstream } from "@nats-io/jetstream";
import { nanos } from "@nats-io/nats-core";
import { connect } from "@nats-io/transport-node";
import { expect, it } from "vitest";
import { memoryStore, PermanentError } from "../../../src/index.ts";
import { createEventStream, DURABLE } from "../../support/event-stream.ts";
import { eventually } from "../../support/eventually.ts";
import { startNats } from "../../support/nats-server.ts";
import { startWorker } from "../../support/worker.ts";

const PASSWORDS = { owner: "o", worker: "w" };

/** Permissions that a consumer needs for the stream names of `createEventStream`. */
const CONFIG = `
authorization {
  users: [
    { user: owner, password: ${PASSWORDS.owner} }
    {
      user: worker, password: ${PASSWORDS.worker}
      permissions {
        publish { allow: ["$JS.API.CONSUMER.INFO.*.${DURABLE}", "$JS.API.CONSUMER.MSG.NEXT.*.${DURABLE}", "$JS.ACK.>", "dead.>"] }
        subscribe { allow: ["_INBOX_worker.>"] }
      }
    }
  ]
}`;

it("runs with permissions to fetch messages, to answer them and to publish dead letters, and no others", async () => {
  await using server = await startNats({ config: CONFIG });
  const owner = await connect({ servers: server.url, user: "owner", pass: PASSWORDS.owner });
  const connection = await connect({
    servers: server.url,
    user: "worker",
    pass: PASSWORDS.worker,
    inboxPrefix: "_INBOX_worker",
  });
  const stream = await createEventStream(owner);
  for (const id of ["good", "good", "bad"]) await stream.publish(id);
  await using worker = await startWorker(stream, {
    dedup: { store: memoryStore(), leaseMs: 1_000 },
    connection,
    deadLetter: { subject: stream.deadSubject, jetstream: jetstream(connection) },
    dispatch: (id) => {
      if (id === "bad") throw new PermanentError("never");
    },
  });
  await worker.until("trigger.dead-lettered");
  await worker.until("trigger.dispatched");
  await eventually("all messages to be answered", async () =>
    (await stream.info()).ack_floor.stream_seq === 3 ? true : undefined,
  );
  expect(await stream.dead()).toHaveLength(1);
  // The search for the stream that stores dead letters needs another permission.
  expect(worker.of("trigger.consumer.warning").map(({ finding }) => finding)).toMatchObject([
    { severity: "warning", setting: "deadLetter", sentence: expect.stringContaining("could not be found out") },
  ]);
  await worker.running.stop();
  await connection.close();
  await owner.close();
});

/** Permissions of a consumer whose answers the server accepts only under the given subjects. */
const answering = (...acks: readonly string[]) => `
authorization {
  users: [
    { user: owner, password: ${PASSWORDS.owner} }
    {
      user: worker, password: ${PASSWORDS.worker}
      permissions {
        publish { allow: ["$JS.API.>", "dead.>", ${acks.map((subject) => JSON.stringify(subject)).join(", ")}] }
        subscribe { allow: [">"] }
      }
    }
  ]
}`;
const VERSION_2 = "feature_flags { js_ack_fc_v2: true }";
const ACKS_1 = `$JS.ACK.*.${DURABLE}.>`;
const ACKS_2 = `$JS.ACK.*.*.*.${DURABLE}.>`;

it.each<[name: string, config: string]>([
  ["version 1", answering(ACKS_1)],
  ["version 2", `${answering(ACKS_2)}\n${VERSION_2}`],
])("answers messages under subjects of %s", async (_, config) => {
  await using server = await startNats({ config });
  const owner = await connect({ servers: server.url, user: "owner", pass: PASSWORDS.owner });
  const connection = await connect({ servers: server.url, user: "worker", pass: PASSWORDS.worker });
  const stream = await createEventStream(owner);
  for (const id of ["good", "bad"]) await stream.publish(id);
  await using worker = await startWorker(stream, {
    dedup: { store: memoryStore(), leaseMs: 1_000 },
    connection,
    dispatch: (id) => {
      if (id === "bad") throw new PermanentError("never");
    },
  });
  await stream.settled(2);
  expect(worker.of("trigger.ack.unconfirmed")).toEqual([]);
  await worker.running.stop();
  await connection.close();
  await owner.close();
});

it.each<[name: string, config: string]>([
  ["version 1 instead of 2", `${answering(ACKS_1)}\n${VERSION_2}`],
  ["version 2 instead of 1", answering(ACKS_2)],
])("reports refused answers and dispatches nothing again with permissions for subjects of %s", async (_, config) => {
  await using server = await startNats({ config });
  const owner = await connect({ servers: server.url, user: "owner", pass: PASSWORDS.owner });
  const connection = await connect({ servers: server.url, user: "worker", pass: PASSWORDS.worker });
  const stream = await createEventStream(owner, { ack_wait: nanos(1_000) });
  for (const id of ["good", "bad"]) await stream.publish(id);
  await using worker = await startWorker(stream, {
    dedup: { store: memoryStore(), leaseMs: 1_000 },
    connection,
    dispatch: (id) => {
      if (id === "bad") throw new PermanentError("never");
    },
  });
  const [unconfirmed] = await worker.until("trigger.ack.unconfirmed");
  expect(unconfirmed).toMatchObject({ refused: true, error: expect.any(Error) });
  await worker.until("trigger.termination.lost", 2);
  await worker.until("trigger.deduped");
  expect(worker.began.toSorted()).toEqual(["bad", "good"]);
  expect(await stream.dead()).toHaveLength(1);
  await worker.running.stop();
  await connection.close();
  await owner.close();
});

it("retries a dead letter that it may not publish, without another dispatch", async () => {
  await using server = await startNats({ config: CONFIG.replace('"dead.>"', '"dead"') });
  const owner = await connect({ servers: server.url, user: "owner", pass: PASSWORDS.owner });
  const connection = await connect({
    servers: server.url,
    user: "worker",
    pass: PASSWORDS.worker,
    inboxPrefix: "_INBOX_worker",
  });
  const stream = await createEventStream(owner);
  await stream.publish("bad");
  await using worker = await startWorker(stream, {
    dedup: { store: memoryStore(), leaseMs: 1_000 },
    connection,
    deadLetter: { subject: stream.deadSubject, jetstream: jetstream(connection) },
    backoffMs: { firstMs: 5, longestMs: 20 },
    dispatch: () => Promise.reject(new PermanentError("never")),
  });
  await worker.until("trigger.dead-letter.lost");
  expect(worker.began).toEqual(["bad"]);
  await worker.running.stop();
  await connection.close();
  await owner.close();
});
