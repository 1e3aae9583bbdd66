import { AckPolicy, type ConsumerConfig, type JetStreamManager, jetstream } from "@nats-io/jetstream";
import { type NatsConnection, nanos } from "@nats-io/nats-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { collected } from "../../support/collected.ts";
import { type Diagnosis, diagnosed } from "../../support/diagnosis.ts";
import { eventually } from "../../support/eventually.ts";
import { connected, makeBucket, manager } from "../../support/nats-bucket.ts";
import { type NatsServer, startNats } from "../../support/nats-server.ts";

let server: NatsServer;
let admin: NatsConnection;
let jsm: JetStreamManager;
beforeAll(async () => {
  server = await startNats({
    config: `authorization { users: [
      { user: admin, password: x }
      { user: bystander, password: x, permissions: { publish: { allow: ">", deny: ["$JS.ACK.>"] } } }
      { user: without1, password: x, permissions: { publish: { allow: ">", deny: ["$JS.ACK.*.worker.>"] } } }
      { user: without2, password: x, permissions: { publish: { allow: ">", deny: ["$JS.ACK.*.*.*.worker.>"] } } }
      { user: blind, password: x, permissions: { publish: { allow: ">", deny: ["$JS.API.CONSUMER.INFO.>"] } } }
    ] }`,
  });
  admin = await connected(server, { user: "admin", pass: "x" });
  jsm = await manager(admin);
  await makeBucket(admin, "dedup", { max_age: 0 });
  await jsm.streams.add({ name: "DEAD", subjects: ["dead.>"] });
});
afterAll(async () => {
  await admin.close();
  await server.stop();
});

let names = 0;

/** Creates a stream with a durable consumer `worker` that fits the defaults, except for `changes`. */
async function consumerWith(changes: Partial<ConsumerConfig> = {}) {
  names += 1;
  const stream = `S${names}`;
  await jsm.streams.add({ name: stream, subjects: [`events.${stream}`, `own.${stream}`] });
  const right = { durable_name: "worker", ack_policy: AckPolicy.Explicit, filter_subject: `events.${stream}` };
  await jsm.consumers.add(stream, { ...right, ack_wait: nanos(30_000), ...changes });
  return { stream, publish: () => admin.request(`events.${stream}`, "an event") };
}

function diagnosis(stream: string, argv: readonly string[] = [], user = "admin"): Promise<Diagnosis> {
  const url = `${user}:x@127.0.0.1:${server.port}`;
  return diagnosed({ url }, ["--bucket", "dedup", "--stream", stream, "--consumer", "worker", ...argv]);
}

const DEAD = ["--dead-letter", "dead.letters"];
const GROUPED: Partial<ConsumerConfig> = { priority_groups: ["jobs"], priority_policy: "overflow" };

describe("latchkey doctor on a consumer", () => {
  it("reports no problem of one that fits the lease", async () => {
    const { stream } = await consumerWith(GROUPED);
    const found = await diagnosis(stream, [...DEAD, "--group", "jobs", "--min-pending", "5"]);
    expect([found.exitCode, found.bad]).toEqual([0, []]);
    expect(found.of("consumer", "flow")).toMatchObject([{ evidence: "0 messages wait, 0 are in flight" }]);
    expect(found.of("permissions", "consumer")).toMatchObject([{ severity: "ok" }]);
  });

  it.each<readonly [finding: string, changes: Partial<ConsumerConfig>, argv: readonly string[], remedy: RegExp]>([
    ["error consumer ack_policy", { ack_policy: AckPolicy.None, ack_wait: 0 }, [], /^make it `explicit`$/],
    ["error consumer ack_wait", { ack_wait: nanos(500) }, [], /^make it at least 1000 ms$/],
    ["warning consumer ack_wait", { ack_wait: nanos(10_000) }, [], /^make it at least the lease$/],
    ["warning consumer ack_wait", {}, ["--lease", "60"], /^make it at least the lease$/],
    ["warning consumer backoff[0]", { backoff: [nanos(5_000), nanos(60_000)] }, [], /^make it at least the lease$/],
    ["warning consumer max_deliver", { max_deliver: 5 }, [], /^make it -1/],
    ["warning consumer max_ack_pending", { max_ack_pending: 5 }, [], /^make it at least the concurrency/],
    ["warning consumer max_ack_pending", { max_ack_pending: 50 }, ["--concurrency", "100"], /^make it at least/],
    ["note consumer priority_groups", GROUPED, [], /^give --group jobs, as to latchkey run$/],
    ["error consumer priority_groups", GROUPED, ["--group", "other"], /^name one of the consumer's groups/],
    ["error consumer priority_groups", GROUPED, ["--group", "jobs", "--priority", "1"], /^leave it out/],
    ["error consumer deadLetter", {}, ["--dead-letter", "stored.nowhere"], /^add the subject to a stream$/],
  ])("finds: %s, with %j and %j", async (finding, changes, argv, remedy) => {
    const { stream } = await consumerWith(changes);
    const asked = argv.includes("--dead-letter") ? argv : [...argv, ...DEAD];
    const { bad, of, exitCode } = await diagnosis(stream, asked);
    expect([exitCode, bad]).toEqual([finding.startsWith("error") ? 1 : 0, [finding]]);
    const check = finding.split(" ").at(-1) ?? "";
    expect(of("consumer", check)).toMatchObject([{ remedy: expect.stringMatching(remedy) }]);
  });

  it("finds dead letters that would return to it", async () => {
    const { stream } = await consumerWith();
    const { bad, of } = await diagnosis(stream, ["--dead-letter", `events.${stream}`]);
    expect(bad).toEqual(["error consumer deadLetter"]);
    expect(of("consumer", "deadLetter")).toMatchObject([{ remedy: "use another subject" }]);
  });

  it("reports unchecked dead letters without --dead-letter", async () => {
    const { stream } = await consumerWith();
    expect((await diagnosis(stream)).bad).toEqual(["note consumer deadLetter"]);
  });

  it("finds that no replica requests messages", async () => {
    const { stream, publish } = await consumerWith();
    await publish();
    const { bad, of } = await diagnosis(stream, DEAD);
    expect(bad).toEqual(["warning consumer flow"]);
    expect(of("consumer", "flow")).toMatchObject([
      { evidence: "no replica requests messages: 1 message waits, 0 are in flight" },
    ]);
  });

  it("finds that max_ack_pending is reached", async () => {
    const { stream, publish } = await consumerWith({ max_ack_pending: 10, ack_wait: nanos(1_000) });
    for (let count = 0; count < 11; count += 1) await publish();
    const consumer = await jetstream(admin).consumers.get(stream, "worker");
    await collected(await consumer.fetch({ max_messages: 10, expires: 1_000 }));
    const { of } = await diagnosis(stream, ["--lease", "1", ...DEAD]);
    expect(of("consumer", "flow")).toMatchObject([
      {
        severity: "warning",
        evidence: expect.stringMatching(/^`max_ack_pending` is reached.*: 1 message waits, 10 are in flight/),
      },
    ]);
  });

  it("finds that it is paused", async () => {
    const { stream } = await consumerWith();
    await jsm.consumers.pause(stream, "worker", new Date(Date.now() + 3_600_000));
    expect((await diagnosis(stream, DEAD)).of("consumer", "flow")).toMatchObject([
      {
        severity: "warning",
        evidence: expect.stringMatching(/^the consumer is paused for another (60|59) min: 0 messages wait/),
        remedy: "nats consumer resume, if the pause is not intended",
      },
    ]);
  });

  it("counts redeliveries", async () => {
    const { stream, publish } = await consumerWith();
    await publish();
    const consumer = await jetstream(admin).consumers.get(stream, "worker");
    const first = await consumer.next({ expires: 5_000 });
    first?.nak();
    await eventually("it to come again", async () => (await consumer.next({ expires: 1_000 })) !== null || undefined);
    expect((await diagnosis(stream, DEAD)).of("consumer", "flow")).toMatchObject([
      { severity: "ok", evidence: "0 messages wait, 1 is in flight, 1 of them redelivered" },
    ]);
  });

  it("reports a missing consumer or stream", async () => {
    const { stream } = await consumerWith();
    await jsm.consumers.delete(stream, "worker");
    for (const name of [stream, "NOTHING"]) {
      const { exitCode, bad, of } = await diagnosis(name);
      expect([exitCode, bad]).toEqual([1, ["error consumer consumer"]]);
      expect(of("consumer", "consumer")).toMatchObject([
        {
          evidence: expect.stringContaining(`${name}/worker cannot be read: `),
          remedy: expect.stringMatching(/^correct/),
        },
      ]);
    }
  });

  it("finds missing permissions", async () => {
    const { stream } = await consumerWith();
    const bystander = await diagnosis(stream, DEAD, "bystander");
    expect(bystander.bad).toEqual(["error permissions acks"]);
    expect(bystander.of("permissions", "acks")).toMatchObject([
      { evidence: expect.stringContaining(`\`$JS.ACK.${stream}.worker.>\``) },
    ]);
    const of = (found: Diagnosis) => found.of("permissions", "acks").map(({ evidence }) => evidence);
    const [one, two] = [await diagnosis(stream, DEAD, "without1"), await diagnosis(stream, DEAD, "without2")];
    // The default of the servers before 2.16, which these tests use.
    expect(one.bad).toEqual(["error permissions acks"]);
    expect(of(one)).toEqual([expect.stringContaining("a server without `js_ack_fc_v2`, the default of this version")]);
    expect(two.bad.filter((found) => found !== "warning permissions acks")).toEqual([]);
    expect(of(two)).toEqual([
      (admin.info?.version ?? "") < "2.14"
        ? "messages may be acknowledged"
        : expect.stringContaining("a server with `js_ack_fc_v2` refuses"),
    ]);
    const blind = await diagnosis(stream, DEAD, "blind");
    expect(blind.bad).toContain("error consumer consumer");
    expect(blind.of("consumer", "consumer")).toMatchObject([
      { remedy: "grant the permission, or use other credentials" },
    ]);
  });
});
