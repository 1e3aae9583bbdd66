import { AckPolicy, type ConsumerConfig, jetstream, jetstreamManager } from "@nats-io/jetstream";
import { headers, nanos } from "@nats-io/nats-core";
import { connect } from "@nats-io/transport-node";
import { describe, expect, it } from "vitest";
import { runCli } from "../../../src/cli/cli.ts";
import { dedupKey } from "../../../src/model/identity.ts";
import { eventually } from "../../support/eventually.ts";
import { useNatsServer } from "../../support/use-nats-server.ts";
import { gitHubDeliveries } from "../support/deliveries.ts";
import { type Answer, type Endpoint, startEndpoint, status } from "../support/endpoint.ts";
import { FakeIo, type Ran, ranWith, run } from "../support/fake-io.ts";

const nats = useNatsServer();

let names = 0;
const unique = (prefix: string): string => {
  names += 1;
  return `${prefix}${names}`;
};

type Connection = Awaited<ReturnType<typeof connect>>;

async function connected<Value>(use: (connection: Connection) => Promise<Value>): Promise<Value> {
  const connection = await connect({ servers: nats.server.url });
  try {
    return await use(connection);
  } finally {
    await connection.close();
  }
}

interface StreamNames {
  readonly stream: string;
  readonly subject: string;
}

/** Creates a stream with a durable consumer `worker`. */
async function createStream(config: Partial<ConsumerConfig> = {}): Promise<StreamNames> {
  const stream = unique("S");
  const subject = `events.${stream}`;
  await connected(async (connection) => {
    const manager = await jetstreamManager(connection);
    await manager.streams.add({ name: stream, subjects: [subject, `dead.${stream}`] });
    await manager.consumers.add(stream, {
      durable_name: "worker",
      filter_subject: subject,
      ack_policy: AckPolicy.Explicit,
      ack_wait: nanos(30_000),
      ...config,
    });
  });
  return { stream, subject };
}

interface Message {
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
}

async function publish(subject: string, messages: readonly Message[]): Promise<void> {
  await connected(async (connection) => {
    const js = jetstream(connection);
    for (const { body, headers: fields = {} } of messages) {
      const all = headers();
      for (const [name, value] of Object.entries(fields)) all.set(name, value);
      // A `Nats-Msg-Id` would make the stream drop the repetitions, which this test needs.
      await js.publish(subject, body, { headers: all });
    }
  });
}

/** Runs over the stream until every message is acknowledged or terminated, then presses Ctrl-C. */
async function runUntilIdle(argv: readonly string[], { stream }: StreamNames): Promise<Ran> {
  const io = new FakeIo({ env: { NATS_URL: nats.server.url } });
  const running = runCli(["run", "--stream", stream, "--consumer", "worker", ...argv], io);
  const ended = running.then((exitCode) => {
    throw new Error(`The run ended before Ctrl-C with ${exitCode}: ${io.err.text}`);
  });
  const idle = connected(async (connection) => {
    const manager = await jetstreamManager(connection);
    await eventually("the consumer is idle", async () => {
      const { num_pending, num_ack_pending } = await manager.consumers.info(stream, "worker");
      return num_pending + num_ack_pending === 0;
    });
  });
  await Promise.race([idle, ended]);
  io.interrupt();
  return ranWith(await running, io);
}

const cloudEvent = (id: string): string =>
  JSON.stringify({ specversion: "1.0", id, source: "/test", type: "test.happened", data: { id } });

function received(endpoint: Endpoint): readonly string[] {
  return endpoint.received.map(({ headers: { "idempotency-key": key } }) => String(key)).sort();
}

describe("latchkey run over a stream", () => {
  it("G3: dispatches GitHub's deliveries once despite repeated publications", async () => {
    await using endpoint = await startEndpoint();
    const names = await createStream();
    const deliveries = gitHubDeliveries().slice(0, 60);
    await publish(
      names.subject,
      [...deliveries, ...deliveries].map(({ line }) => ({ body: line })),
    );
    const { exitCode, objects } = await runUntilIdle(["--to", endpoint.url, "--json"], names);
    expect(exitCode).toBe(0);
    expect(objects().at(-1)).toMatchObject({
      summary: { deliveries: 120, dispatched: 60, duplicates: 60, exitCode: 0 },
    });
    const subscription = `${names.stream}/worker`;
    expect(received(endpoint)).toEqual(deliveries.map(({ id }) => dedupKey(subscription, id)).sort());
    expect(endpoint.received[0]?.body.toString()).toBe(JSON.stringify(deliveries[0]?.payload));
  });

  it("identifies CloudEvents in both modes, and messages with a Nats-Msg-Id", async () => {
    await using endpoint = await startEndpoint();
    const names = await createStream();
    const binary = {
      "ce-specversion": "1.0",
      "ce-id": "1",
      "ce-source": "/test",
      "ce-type": "test",
      "ce-subject": "a%20b",
    };
    await publish(names.subject, [
      { body: cloudEvent("1") },
      { body: '{ "id": "1" }', headers: { ...binary, "content-type": "application/json" } },
      { body: "<c/>", headers: { ...binary, "ce-id": "2", "content-type": "application/xml" } },
      { body: "opaque", headers: { "Nats-Msg-Id": "m-1" } },
    ]);
    const argv = ["--to", endpoint.url, "--subscription", "billing", "--concurrency", "1", "--json"];
    const { exitCode, objects } = await runUntilIdle(argv, names);
    expect(exitCode).toBe(0);
    expect(objects().at(-1)).toMatchObject({ summary: { dispatched: 3, duplicates: 1 } });
    expect(endpoint.received).toMatchObject([
      { body: Buffer.from('{"id":"1"}'), headers: { "ce-id": "1", "content-type": "application/json" } },
      {
        body: Buffer.from("<c/>"),
        headers: { "ce-id": "2", "ce-subject": "a%20b", "content-type": "application/xml" },
      },
      { body: Buffer.from("opaque"), headers: { "idempotency-key": dedupKey("billing", "m-1") } },
    ]);
  });

  it("identifies percent-encoded and raw headers and structured events as the same event", async () => {
    await using endpoint = await startEndpoint();
    const names = await createStream();
    const binary = (id: string): Message => ({
      body: '{"id":"order €1"}',
      headers: {
        "ce-specversion": "1.0",
        "ce-id": id,
        "ce-source": "/test",
        "ce-type": "t",
        "content-type": "application/json",
      },
    });
    await publish(names.subject, [binary("order%20%E2%82%AC1"), { body: cloudEvent("order €1") }, binary("order €1")]);
    const { objects } = await runUntilIdle(["--to", endpoint.url, "--json"], names);
    expect(objects().at(-1)).toMatchObject({ summary: { dispatched: 1, duplicates: 2 } });
    expect(endpoint.received[0]?.headers["ce-id"]).toBe("order%20%E2%82%AC1");
  });

  it("identifies messages by --id, in a header or the payload, and refuses numbers and batches with advice", async () => {
    await using endpoint = await startEndpoint();
    const names = await createStream();
    await publish(names.subject, [
      { body: '{"order":"o-1"}' },
      { body: "opaque", headers: { "X-Order": "o-2" } },
      { body: '{"order":"o-2"}', headers: { "X-Order": "o-3" } },
      { body: '{"order":9007199254740993}' },
      { body: "[]", headers: { "content-type": "application/cloudevents-batch+json", "X-Order": "o-4" } },
      { body: `[${cloudEvent("1")}]`, headers: { "X-Order": "o-5" } },
    ]);
    const argv = ["--to", endpoint.url, "--subscription", "billing", "--id", "X-Order", "--id", "/order", "--json"];
    const { exitCode, objects } = await runUntilIdle(argv, names);
    expect(exitCode).toBe(1);
    expect(received(endpoint)).toEqual(["o-1", "o-2", "o-3"].map((id) => dedupKey("billing", id)).sort());
    const reasons = objects().flatMap(({ outcome, reason }) => (outcome === "dead-lettered" ? [reason] : []));
    expect(reasons).toEqual(
      expect.arrayContaining([
        expect.stringContaining("the member `/order` is a number"),
        expect.stringContaining("publish one event per message"),
        expect.stringContaining("a batch of CloudEvents: write one per line"),
      ]),
    );
  });

  it("G2: dead-letters another payload under the id of a dispatched event", async () => {
    await using endpoint = await startEndpoint();
    const names = await createStream();
    const headers = { "Nats-Msg-Id": "m-1" };
    await publish(names.subject, [{ body: '{"a":1,"b":2}', headers }]);
    const argv = ["--to", endpoint.url, "--json", "--bucket", unique("bucket")];
    await runUntilIdle(argv, names);
    const other = await createStream();
    await publish(other.subject, [{ body: '{"b":2,"a":1}', headers }]);
    const again = await runUntilIdle([...argv, "--subscription", `${names.stream}/worker`], other);
    expect(again.objects().at(-1)).toMatchObject({ summary: { dispatched: 0, duplicates: 1 } });
    const third = await createStream();
    await publish(third.subject, [{ body: '{"a":2}', headers }]);
    const mismatch = await runUntilIdle([...argv, "--subscription", `${names.stream}/worker`], third);
    expect(mismatch.objects().at(-1)).toMatchObject({ summary: { dispatched: 0, deadLettered: 1 } });
    expect(endpoint.received).toHaveLength(1);
  });

  it("shares keys with other runs in a bucket", async () => {
    await using endpoint = await startEndpoint();
    const bucket = unique("bucket");
    const shared = ["--to", endpoint.url, "--bucket", bucket, "--subscription", "billing", "--json"];
    const input = `${cloudEvent("1")}\n${cloudEvent("2")}\n`;
    const first = await run(["run", ...shared, "--nats", nats.server.url], { input });
    expect([first.exitCode, first.err]).toEqual([0, ""]);
    const again = await run(["run", ...shared, "--nats", nats.server.url], { input: `${input}${cloudEvent("3")}` });
    expect(again.objects().at(-1)).toMatchObject({ summary: { dispatched: 1, duplicates: 2 } });
    const names = await createStream();
    await publish(names.subject, [{ body: cloudEvent("1") }, { body: cloudEvent("4") }]);
    const streamed = await runUntilIdle(shared, names);
    expect(streamed.objects().at(-1)).toMatchObject({ summary: { dispatched: 1, duplicates: 1 } });
    expect(endpoint.received).toHaveLength(4);
    const other = await run(["run", ...shared, "--nats", nats.server.url, "--workspace", "acme"], {
      input: cloudEvent("1"),
    });
    expect(other.objects().at(-1)).toMatchObject({ summary: { dispatched: 1, duplicates: 0 } });
  });

  it("retries an event that the endpoint refused, and reports it", async () => {
    const refuseOnce: Answer = (request, response) => void response.writeHead(request.times === 1 ? 503 : 200).end();
    await using endpoint = await startEndpoint(refuseOnce);
    const names = await createStream();
    await publish(names.subject, [{ body: cloudEvent("1") }]);
    const { exitCode, out, err } = await runUntilIdle(["--to", endpoint.url], names);
    expect(exitCode).toBe(0);
    expect(err).toContain('message 1  nak  ["/test","1"]: the endpoint answered 503; redelivered in 1.0 s\n');
    expect(out).toMatch(
      /^✓ 2 deliveries to http.*\n {2}dispatched {2}1 {2}1 after a retry\n {2}duplicates {2}0\n {2}naks {8}1 {2}redelivered later\n$/,
    );
    expect(endpoint.received.map((request) => request.headers["latchkey-attempt"])).toEqual(["1", "2"]);
  });

  it("dead-letters messages that can never be dispatched", async () => {
    await using endpoint = await startEndpoint(status(422));
    const names = await createStream();
    await publish(names.subject, [{ body: cloudEvent("1") }, { body: "no identity" }]);
    const argv = ["--to", endpoint.url, "--dead-letter", `dead.${names.stream}`, "--concurrency", "1"];
    const { exitCode, out, err } = await runUntilIdle(argv, names);
    expect(exitCode).toBe(1);
    expect(err).toContain('message 1  dead letter  ["/test","1"]: the endpoint answered 422\n');
    expect(err).toContain("message 2  dead letter  without identity: ");
    expect(out).toMatch(/^✗ 2 deliveries .*\n {2}dispatched {4}0\n {2}duplicates {4}0\n {2}dead letters {2}2\n$/);
    await connected(async (connection) => {
      const manager = await jetstreamManager(connection);
      const letter = await manager.streams.getMessage(names.stream, { last_by_subj: `dead.${names.stream}` });
      expect(letter?.header.get("Latchkey-Reason")).toBe("unidentifiable");
    });
  });

  it("gives up after --attempts, and warns without --dead-letter", async () => {
    await using endpoint = await startEndpoint(status(500));
    const names = await createStream();
    await publish(names.subject, [{ body: cloudEvent("1") }]);
    const { exitCode, out, err } = await runUntilIdle(["--to", endpoint.url, "--attempts", "2"], names);
    expect(exitCode).toBe(1);
    expect(endpoint.received).toHaveLength(2);
    expect(err).toContain("Warning: there is no --dead-letter");
    expect(out).toContain("dead letters  1  terminated without a copy\n");
  });

  it("runs a command, with the message on its standard input", async () => {
    const names = await createStream();
    await publish(names.subject, [{ body: cloudEvent("1") }]);
    const { exitCode, err } = await runUntilIdle(["--exec", "sh", "-c", 'cat; echo " $LATCHKEY_SUBSCRIPTION"'], names);
    expect(exitCode).toBe(0);
    expect(err).toContain(`${cloudEvent("1")} ${names.stream}/worker\n`);
  });

  it("ends for a missing command without dead letters", async () => {
    const names = await createStream();
    await publish(names.subject, [{ body: cloudEvent("1") }]);
    const argv = [
      "run",
      "--stream",
      names.stream,
      "--consumer",
      "worker",
      "--nats",
      nats.server.url,
      "--attempts",
      "1",
    ];
    const { exitCode, err } = await run([...argv, "--exec", "/nonexistent"]);
    expect([exitCode, err]).toEqual([
      2,
      expect.stringMatching(/\nlatchkey: Cannot run `\/nonexistent`: there is no such file \(ENOENT\)\n$/),
    ]);
    await using accepting = await startEndpoint();
    await runUntilIdle(["--to", accepting.url], names);
    expect(accepting.received).toHaveLength(1);
  });

  it("waits for running dispatches at the first Ctrl-C, and naks them at the second", async () => {
    await using endpoint = await startEndpoint(() => {});
    const names = await createStream();
    await publish(names.subject, [{ body: cloudEvent("1") }]);
    const io = new FakeIo({ env: { NATS_URL: nats.server.url } });
    const running = runCli(["run", "--stream", names.stream, "--consumer", "worker", "--to", endpoint.url], io);
    await eventually("the endpoint has it", () => endpoint.received.length === 1);
    io.interrupt();
    await io.err.until("Stopping: ");
    io.interrupt();
    expect(await running).toBe(130);
    expect(io.out.text).toMatch(
      /^■ interrupted: 1 delivery .*\n {2}dispatched {2}0\n {2}duplicates {2}0\n {2}naks {8}1 /,
    );
    await using accepting = await startEndpoint();
    const { exitCode } = await runUntilIdle(["--to", accepting.url], names);
    expect(exitCode).toBe(0);
    expect(received(accepting)).toEqual(received(endpoint));
  });

  it("refuses a missing consumer, and one without acknowledgements", async () => {
    const argv = ["run", "--to", "http://127.0.0.1:9", "--nats", nats.server.url, "--stream"];
    const none = await run([...argv, "NONE", "--consumer", "worker"]);
    expect([none.exitCode, none.err]).toEqual([
      2,
      expect.stringContaining("Cannot use the consumer `worker` of the stream `NONE`"),
    ]);
    const { stream } = await createStream({ ack_policy: AckPolicy.None });
    const wrong = await run([...argv, stream, "--consumer", "worker"]);
    expect([wrong.exitCode, wrong.err]).toEqual([2, expect.stringContaining("make it `explicit`")]);
  });

  it.each<readonly [policy: ConsumerConfig["priority_policy"], argv: readonly string[], refusal: RegExp | undefined]>([
    ["overflow", ["--group", "jobs", "--min-pending", "1"], undefined],
    ["prioritized", ["--group", "jobs", "--priority", "1"], undefined],
    ["pinned_client", ["--group", "jobs"], undefined],
    ["overflow", [], /its `priority_groups` are `jobs`.*`latchkey run --group`/],
    ["overflow", ["--group", "other"], /`group` names `other`; name one of the consumer's groups/],
    ["overflow", ["--group", "jobs", "--priority", "1"], /is `overflow`, which ignores `priority`/],
  ])("reads a consumer with the policy %s and %j, or refuses it with advice", async (policy, argv, refusal) => {
    await using endpoint = await startEndpoint();
    const pinned = policy === "pinned_client" ? { priority_timeout: nanos(5_000), max_ack_pending: 100 } : {};
    const names = await createStream({
      priority_groups: ["jobs"],
      ...(policy && { priority_policy: policy }),
      ...pinned,
    });
    await publish(names.subject, [{ body: cloudEvent("1") }]);
    if (refusal === undefined) {
      const { objects } = await runUntilIdle(["--to", endpoint.url, "--json", ...argv], names);
      expect(objects().at(-1)).toMatchObject({ summary: { dispatched: 1 } });
    } else {
      const input = ["--stream", names.stream, "--consumer", "worker", "--nats", nats.server.url];
      const { exitCode, err } = await run(["run", "--to", endpoint.url, ...input, ...argv]);
      expect([exitCode, err]).toEqual([2, expect.stringMatching(refusal)]);
    }
  });

  it("ends when its consumer is deleted", async () => {
    await using endpoint = await startEndpoint();
    const names = await createStream();
    await publish(names.subject, [{ body: cloudEvent("1") }]);
    const io = new FakeIo({ env: { NATS_URL: nats.server.url } });
    const running = runCli(["run", "--stream", names.stream, "--consumer", "worker", "--to", endpoint.url], io);
    await eventually("the endpoint has it", () => endpoint.received.length === 1);
    await connected(async (connection) =>
      (await jetstreamManager(connection)).consumers.delete(names.stream, "worker"),
    );
    expect(await running).toBe(2);
    expect(io.err.text).toMatch(
      /\nlatchkey: The consumer \S+ delivers no more messages: it no longer exists\. Correct --consumer, or create the consumer\n$/,
    );
    expect(io.out.text).toContain("dispatched  1");
  });

  it("refuses an invalid bucket name, and a foreign bucket", async () => {
    const argv = ["run", "--to", "http://127.0.0.1:9", "--nats", nats.server.url, "--subscription", "s", "--bucket"];
    const unnameable = await run([...argv, "a bucket"]);
    expect([unnameable.exitCode, unnameable.err]).toEqual([2, expect.stringContaining("`bucket`")]);
    const longest = await run([...argv, unique("bucket"), "--window", "604801"]);
    const why =
      /The window is 604801 s, but bucket \S+ keeps records for 604800 s\. Give a shorter one with --window or TRIG/;
    expect([longest.exitCode, longest.err]).toEqual([2, expect.stringMatching(why)]);
    const bucket = unique("foreign");
    await connected(async (connection) => {
      await (await jetstreamManager(connection)).streams.add({ name: `KV_${bucket}`, subjects: [`$KV.${bucket}.>`] });
    });
    const foreign = await run([...argv, bucket]);
    expect([foreign.exitCode, foreign.err]).toEqual([2, expect.stringContaining("allow_msg_ttl")]);
  });
});

describe("latchkey demo over NATS", () => {
  it("loses no event, dispatches none again after its commit, and removes its streams from the server", async () => {
    const io = new FakeIo();
    const exitCode = await runCli(["demo", "--seed", "7", "--json", "--nats", nats.server.url], io);
    const [numbers] = ranWith(exitCode, io).objects();
    expect(numbers).toMatchObject({ seed: 7, end: "settled", events: 329, lost: 0, afterCommit: 0, exitCode: 0 });
    expect(exitCode).toBe(0);
    for (const happened of ["suppressed", "pending", "retried", "refused", "unanswered", "doneAgain"]) {
      expect(numbers?.[happened]).toBeGreaterThan(0);
    }
    await connected(async (connection) => {
      const left = await (await jetstreamManager(connection)).streams.names().next();
      expect(left.filter((name) => /demo/i.test(name))).toEqual([]);
    });
  });
});
