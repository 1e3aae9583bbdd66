import { jetstream } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import { expect, it } from "vitest";
import { memoryStore, PermanentError } from "../../../src/index.ts";
import { eventually } from "../../support/eventually.ts";
import { startNats } from "../../support/nats-server.ts";
import { replica } from "../../support/worker-replica.ts";
import { DURABLE, eventStream } from "../../support/worker-stream.ts";

const PASSWORDS = { owner: "o", worker: "w" };

/** What a consumer needs, where streams are named as the fixture names them. */
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

it("a consumer needs to ask for messages, to answer them and to publish dead letters, nothing else", async () => {
  await using server = await startNats({ config: CONFIG });
  const owner = await connect({ servers: server.url, user: "owner", pass: PASSWORDS.owner });
  const worker = await connect({
    servers: server.url,
    user: "worker",
    pass: PASSWORDS.worker,
    inboxPrefix: "_INBOX_worker",
  });
  const stream = await eventStream(owner);
  for (const id of ["good", "good", "bad"]) await stream.publish(id);
  await using it = await replica(stream, {
    dedup: { store: memoryStore(), leaseMs: 1_000 },
    connection: worker,
    deadLetter: { subject: stream.deadSubject, jetstream: jetstream(worker) },
    dispatch: (id) => {
      if (id === "bad") throw new PermanentError("never");
    },
  });
  await it.until("trigger.dead-lettered");
  await it.until("trigger.dispatched");
  await eventually("all messages to be answered", async () =>
    (await stream.info()).ack_floor.stream_seq === 3 ? true : undefined,
  );
  expect(await stream.dead()).toHaveLength(1);
  // Whether a stream keeps them could be asked with one more permission.
  expect(it.of("trigger.consumer.warning").map(({ finding }) => finding)).toMatchObject([
    { severity: "warning", setting: "deadLetter", sentence: expect.stringContaining("could not be found out") },
  ]);
  await it.running.stop();
  await worker.close();
  await owner.close();
});
