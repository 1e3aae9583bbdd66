import { jetstream } from "@nats-io/jetstream";
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
