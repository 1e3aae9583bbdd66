import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import { expect, it } from "vitest";
import { resolveIdentity } from "../../src/model/identity.ts";
import { publishOnce } from "../../src/nats/index.ts";
import { startNats } from "../support/nats-server.ts";

const needed = ["$JS.API.STREAM.NAMES", "$JS.API.STREAM.INFO.PAID", "paid.*", "$JS.API.STREAM.MSG.GET.PAID"];
const { idempotencyKey } = resolveIdentity({ subscriptionId: "s", eventId: "e" });

it("publishOnce names the permission that it lacks", async () => {
  const users = needed.map((missing, index) => {
    const publish = JSON.stringify(needed.filter((subject) => subject !== missing));
    return `{ user: u${index}, password: secret, permissions: { publish: ${publish}, subscribe: "_INBOX.>" } }`;
  });
  await using server = await startNats({
    config: `authorization { users: [${users.join(", ")}, { user: admin, password: secret }] }`,
  });
  const admin = await connect({ servers: server.url, user: "admin", pass: "secret" });
  await (await jetstreamManager(admin)).streams.add({ name: "PAID", subjects: ["paid.*"] });
  const publishAs = async (user: string) => {
    const connection = await connect({ servers: server.url, user, pass: "secret" });
    try {
      return await publishOnce(jetstream(connection), "paid", "1", { idempotencyKey, fence: 1 }, { timeoutMs: 2_000 });
    } finally {
      await connection.close();
    }
  };

  await publishAs("admin");
  for (const [index, missing] of needed.entries()) {
    const subject = missing === "paid.*" ? "paid." : missing;
    await expect(publishAs(`u${index}`)).rejects.toMatchObject({
      code: "store-forbidden",
      message: expect.stringContaining(subject.replace("INFO.PAID", "INFO")),
    });
  }
  await admin.close();
});
