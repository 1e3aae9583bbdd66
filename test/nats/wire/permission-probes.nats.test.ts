import { AckPolicy } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/nats-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  ackPermissions,
  consumerPermissions,
  listPermissions,
  type Permission,
  replicaPermissions,
  tryPermission,
  watchPermissions,
} from "../../../src/nats/wire/permission-probes.ts";
import { eventually } from "../../support/eventually.ts";
import { connected, makeBucket, manager } from "../../support/nats-bucket.ts";
import { type NatsServer, startNats } from "../../support/nats-server.ts";

const address = { apiPrefix: "$JS.API", bucket: "dedup" };
const all = [
  ...replicaPermissions(address),
  ...listPermissions(address),
  ...watchPermissions(address),
  ...consumerPermissions("$JS.API", "S", "C"),
  ...Object.values(ackPermissions("S", "C")),
];
const subjects = all.map(({ subject }) => subject);

let server: NatsServer;
let admin: NatsConnection;
beforeAll(async () => {
  const users = subjects.map(
    (subject, index) =>
      `{ user: without${index}, password: x, permissions: { publish: { allow: ">", deny: ${JSON.stringify(subject)} } } }`,
  );
  server = await startNats({
    config: `authorization { users: [{ user: admin, password: x }, ${users.join(", ")}] }`,
  });
  admin = await connected(server, { user: "admin", pass: "x" });
  await makeBucket(admin, "dedup");
  const jsm = await manager(admin);
  await jsm.streams.add({ name: "S", subjects: ["s"] });
  await jsm.consumers.add("S", { durable_name: "C", ack_policy: AckPolicy.Explicit });
  await admin.request("s", "an event");
  // The consumer notices the message after the stream has stored it.
  await eventually("the message to be pending", async () => (await jsm.consumers.info("S", "C")).num_pending === 1);
});
afterAll(async () => {
  await admin.close();
  await server.stop();
});

const probe = (connection: NatsConnection, permission: Permission) => tryPermission(connection, permission, 5_000);

/** Returns all state that a probe could change, without timestamps. */
async function everything(): Promise<unknown> {
  const jsm = await manager(admin);
  const [bucket, stream, consumer] = await Promise.all([
    jsm.streams.info("KV_dedup"),
    jsm.streams.info("S"),
    jsm.consumers.info("S", "C"),
  ]);
  return [bucket, stream, consumer].map((info) => ({ ...info, ts: "" }));
}

describe("tryPermission", () => {
  it("finds granted permissions and changes nothing", async () => {
    const before = await everything();
    expect(await Promise.all(all.map((permission) => probe(admin, permission)))).toEqual(all.map(() => "granted"));
    expect(await everything()).toEqual(before);
  });

  it.each(subjects.map((subject, index) => ({ subject, index })))(
    "finds that $subject is refused",
    async ({ index }) => {
      await using user = await connected(server, { user: `without${index}`, pass: "x" });
      const found = await Promise.all(all.map((permission) => probe(user, permission)));
      expect(subjects.filter((_, at) => found[at] !== "granted")).toEqual([subjects[index]]);
      expect(found[index]).toBe("refused");
    },
  );

  it("returns unknown without an answer", async () => {
    const unheard = { subject: "unheard", probe: { subject: "unheard" } };
    admin.subscribe("unheard");
    expect(await tryPermission(admin, unheard, 50)).toBe("unknown");
  });
});
