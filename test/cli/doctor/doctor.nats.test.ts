import { once } from "node:events";
import { createServer } from "node:http";
import { type JetStreamManager, PersistMode, RetentionPolicy, type StreamConfig } from "@nats-io/jetstream";
import { type NatsConnection, nanos } from "@nats-io/nats-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { fromDebian } from "../../../scripts/nats-server.mjs";
import { runCli } from "../../../src/cli/cli.ts";
import { type Clock, systemClock } from "../../../src/internal/clock.ts";
import { STARTS_AT_TIME } from "../../../src/nats/kv/revision-offset.ts";
import { diagnosed } from "../../support/diagnosis.ts";
import { listeningPort } from "../../support/free-ports.ts";
import { connected, makeBucket, manager } from "../../support/nats-bucket.ts";
import { type NatsServer, startNats } from "../../support/nats-server.ts";
import { operatedBucket } from "../../support/operated-bucket.ts";
import { FakeIo, run } from "../support/fake-io.ts";

let server: NatsServer;
let admin: NatsConnection;
let jsm: JetStreamManager;
beforeAll(async () => {
  server = await startNats();
  admin = await connected(server);
  jsm = await manager(admin);
});
afterAll(async () => {
  await admin.close();
  await server.stop();
});

let names = 0;

/** Creates a bucket with the required settings, except for `changes`. */
async function bucketWith(changes: Partial<StreamConfig>): Promise<string> {
  names += 1;
  const bucket = `doctored${names}`;
  await makeBucket(admin, bucket, { max_age: nanos(7 * 86_400_000), ...changes });
  return bucket;
}

describe("latchkey doctor", () => {
  it("prints findings with remedies", async () => {
    const bucket = await bucketWith({ discard: "old" });
    const io = new FakeIo({ terminal: true, env: { NATS_URL: server.url } });
    expect(await runCli(["doctor", "--bucket", bucket], io)).toBe(1);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is taken away.
    const text = io.out.text.replaceAll(/\u001b\[\d+m/g, "");
    const lines = text.split("\n");
    expect(lines.filter((line) => line.length > 80)).toEqual([]);
    expect(lines.filter((line) => !line.startsWith(" "))).toEqual([
      ...["server", "bucket", "permissions", "consumer", "clocks", "records"],
      ...["", "✗ 1 error, 4 notes; 8 checks passed", ""],
    ]);
    expect(text).toContain(`
  ✗ discard        \`discard\` is "old", must be "new": a full bucket would drop
                   valid records, and their events would run again
                   → nats stream edit KV_${bucket} --discard=new
`);
    expect(io.out.text).toContain("\u001b[31m✗\u001b[0m");
  });

  it("prints findings as JSON", async () => {
    const { summary, exitCode, of } = await diagnosed(server, ["--bucket", await bucketWith({ discard: "old" })]);
    expect(exitCode).toBe(1);
    expect(of("bucket", "discard")).toEqual([
      {
        ...{ area: "bucket", check: "discard", severity: "error" },
        evidence: expect.stringMatching(/^`discard` is "old", must be "new": /),
        remedy: expect.stringMatching(/^nats stream edit KV_doctored\d+ --discard=new$/),
      },
    ]);
    expect(summary).toEqual({
      summary: { bucket: expect.any(String), ok: 8, note: 4, warning: 0, error: 1, exitCode: 1 },
    });
  });

  it("reports no problem of a bucket of natsStore, and changes nothing", async () => {
    await using operated = await operatedBucket(server);
    await operated.replica("web-1").guard({ subscriptionId: "s", eventId: "1" }, () => "");
    const look = async (): Promise<unknown> => ({ ...(await jsm.streams.info(`KV_${operated.bucket}`)), ts: "" });
    const before = await look();
    const found = await diagnosed(server, ["--bucket", operated.bucket]);
    expect(found.bad).toEqual([]);
    expect(found.exitCode).toBe(0);
    expect(found.findings.filter(({ severity }) => severity === "ok").map(({ check }) => check)).toEqual([
      ...["version", "settings", "max_age", "record size", "replica", "operator", "inspector", "this machine", "keys"],
    ]);
    expect(await look()).toEqual(before);
  });

  it.each([
    [["--stream", "S"], "--stream and --consumer belong together: give both"],
    [["--dead-letter", "dead"], "--dead-letter needs --stream"],
    [["--group", "jobs"], "--group needs --stream"],
    [["--lease", "0"], "Expected a number of seconds from 1"],
    [["--shards", "65"], "Expected a whole number from 1 to 64"],
  ])("refuses %j", async (argv, sentence) => {
    const { exitCode, out, err } = await run(["doctor", "--bucket", "b", ...argv], { env: { NATS_URL: server.url } });
    expect([exitCode, out, err]).toEqual([2, "", expect.stringContaining(sentence)]);
  });

  it("refuses an invalid environment variable", async () => {
    const env = { NATS_URL: server.url, LATCHKEY_LEASE_SECONDS: "long" };
    expect(await run(["doctor", "--bucket", "b"], { env })).toMatchObject({
      exitCode: 2,
      err: expect.stringContaining("LATCHKEY_LEASE_SECONDS"),
    });
  });
});

describe("latchkey doctor on a bucket", () => {
  it("lists the existing buckets if the bucket does not exist", async () => {
    await bucketWith({});
    const { exitCode, bad, of } = await diagnosed(server, ["--bucket", "nothing"]);
    expect([exitCode, bad]).toEqual([1, ["error bucket bucket"]]);
    expect(of("bucket", "bucket")).toMatchObject([
      { evidence: expect.stringMatching(/^There is no bucket `nothing`; this server has doctored\d/) },
    ]);
  });

  it.each<readonly [setting: keyof StreamConfig, wrong: Partial<StreamConfig>, remedy: RegExp]>([
    ["allow_msg_ttl", { allow_msg_ttl: false }, / --allow-msg-ttl$/],
    ["subject_delete_marker_ttl", { subject_delete_marker_ttl: nanos(1_000) }, / --subject-del-markers-ttl=0s$/],
    ["max_msgs_per_subject", { max_msgs_per_subject: 2 }, / --max-msgs-per-subject=1$/],
    ["discard_new_per_subject", { discard_new_per_subject: true }, / --no-discard-per-subject$/],
    ["retention", { retention: RetentionPolicy.Interest }, / --retention=limits$/],
    ["max_msgs", { max_msgs: 1_000 }, / --max-msgs=-1$/],
    ["no_ack", { no_ack: true }, / --ack$/],
    ["deny_delete", { deny_delete: false }, / --deny-delete$/],
    ["allow_direct", { allow_direct: false }, / --allow-direct$/],
    ["persist_mode", { persist_mode: PersistMode.Async }, /^this setting cannot be changed: create another bucket/],
    ["sources", { sources: [{ name: "ORIGIN" }] }, /^this setting cannot be changed/],
    ["subjects", { subjects: ["elsewhere.>"] }, /^set `subjects` of the stream KV_\w+ to \["\$KV\.\w+\.>"\]$/],
  ])("reports a wrong %s", async (setting, wrong, remedy) => {
    const { exitCode, bad, of } = await diagnosed(server, ["--bucket", await bucketWith(wrong)]);
    expect(exitCode).toBe(1);
    expect(bad).toContain(`error bucket ${setting}`);
    expect(of("bucket", setting)).toMatchObject([{ remedy: expect.stringMatching(remedy) }]);
  });

  it("reports a bucket whose fences may repeat because it was restored", async () => {
    const dayAgo = (Date.now() - 86_400_000) * 1_000;
    const bucket = await bucketWith({ first_seq: dayAgo, metadata: { ...STARTS_AT_TIME } });
    const { exitCode, bad, of } = await diagnosed(server, ["--bucket", bucket]);
    expect([exitCode, bad]).toEqual([1, ["error bucket fences"]]);
    const remedy = `stop every replica, and run latchkey raise-fences --bucket ${bucket}`;
    expect(of("bucket", "fences")).toMatchObject([{ remedy }]);
    await run(["raise-fences", "--bucket", bucket], { env: { NATS_URL: server.url } });
    expect(await diagnosed(server, ["--bucket", bucket])).toMatchObject({ exitCode: 0, bad: [] });
  });

  it("warns of a bucket that is stored in memory", async () => {
    const { exitCode, bad } = await diagnosed(server, ["--bucket", await bucketWith({ storage: "memory" })]);
    expect([exitCode, bad]).toEqual([0, ["warning bucket storage"]]);
  });

  it("compares max_age with window and lease", async () => {
    const anHour = await bucketWith({ max_age: nanos(3_600_000) });
    const aDay = await diagnosed(server, ["--bucket", anHour]);
    expect(aDay.bad).toEqual(["error bucket max_age"]);
    expect(aDay.of("bucket", "max_age")).toMatchObject([
      { evidence: "records are stored for 60 min, which is shorter than the window of 24 h: replicas refuse to start" },
    ]);
    const env = { TRIGGER_DEDUP_TTL_SECONDS: "1800" };
    expect((await diagnosed(server, ["--bucket", anHour], { env })).bad).toEqual([]);
    const lease = await diagnosed(server, ["--bucket", anHour, "--lease", "3600"], { env });
    expect(lease.of("bucket", "max_age")).toMatchObject([
      { severity: "error", evidence: expect.stringContaining("shorter than a lease of 60 min with 2 s of skew") },
    ]);
    const forEver = await diagnosed(server, ["--bucket", await bucketWith({ max_age: 0 }), "--window", "86400"]);
    expect(forEver.of("bucket", "max_age")).toMatchObject([
      { severity: "ok", evidence: "records are stored without an age limit, and the window is 24 h" },
    ]);
  });

  it.each([
    [50, "ok"],
    [85, "warning"],
    [97, "error"],
  ])("reports a bucket that is %d %% full as %s", async (percent, severity) => {
    const bucket = await bucketWith({ max_bytes: 100_000 });
    await admin.request(`$KV.${bucket}.filling`, "x".repeat(percent * 1_000 - 60));
    const { of } = await diagnosed(server, ["--bucket", bucket]);
    expect(of("bucket", "max_bytes")).toMatchObject([
      { severity, evidence: expect.stringContaining(`${percent} % of its limit of 100 kB`) },
    ]);
  });

  it("reports the storage of its account", async () => {
    const accounts =
      "accounts { A { jetstream { max_store: 100KB, max_mem: 100KB }, users: [{ user: a, password: x }] } }";
    await using limited = await startNats({ config: accounts });
    await using user = await connected(limited, { user: "a", pass: "x" });
    const url = `a:x@127.0.0.1:${limited.port}`;
    await makeBucket(user, "dedup", { max_age: 0 });
    expect((await diagnosed({ url }, ["--bucket", "dedup"])).of("bucket", "account")).toMatchObject([
      { severity: "ok", evidence: expect.stringContaining("0 % of its limit of 102 kB") },
    ]);
    await user.request("$KV.dedup.filling", "x".repeat(90_000));
    expect((await diagnosed({ url }, ["--bucket", "dedup"])).bad).toContain("warning bucket account");
    await makeBucket(user, "memory", { max_age: 0, storage: "memory" });
    await user.request("$KV.memory.filling", "x".repeat(100_000));
    expect((await diagnosed({ url }, ["--bucket", "memory"])).bad).toContain("error bucket account");
  });
});

describe("latchkey doctor on a server", () => {
  it.for(["bookworm", "trixie"])("demands an upgrade of the version in Debian %s", async (suite, { skip }) => {
    const binary = await fromDebian(suite).catch((reason: unknown) => skip(`no older server: ${String(reason)}`));
    await using old = await startNats({ binary: binary.path });
    await using connection = await connected(old);
    await makeBucket(connection, "dedup");
    const { exitCode, bad, of } = await diagnosed(old, ["--bucket", "dedup"]);
    expect(exitCode).toBe(1);
    expect(bad).toContain("error server version");
    expect(of("server", "version")).toMatchObject([
      { evidence: expect.stringContaining(binary.version), remedy: "upgrade to 2.12.6 or later" },
    ]);
  });

  it("reports a server without JetStream", async () => {
    await using bare = await startNats({ jetstream: false });
    const { exitCode, bad, of } = await diagnosed(bare, ["--bucket", "dedup"]);
    expect([exitCode, bad]).toEqual([1, ["error bucket bucket"]]);
    expect(of("bucket", "bucket")).toMatchObject([
      { remedy: expect.stringMatching(/^check that JetStream is enabled/) },
    ]);
  });

  it("reads on its monitoring port whether it syncs every write", async () => {
    const bucket = await bucketWith({});
    const lazy = await diagnosed(server, ["--bucket", bucket, "--monitor", server.monitorUrl]);
    expect(lazy.bad).toEqual(["warning server sync_interval"]);
    expect(lazy.of("server", "sync_interval")).toMatchObject([
      { evidence: expect.stringMatching(/^solo syncs every 2 min: /), remedy: expect.stringContaining("always") },
    ]);
    await using diligent = await startNats({ jetstreamConfig: "sync_interval: always" });
    const [, address = ""] = diligent.monitorUrl.split("//");
    const both = await diagnosed(server, ["--bucket", bucket, "--monitor", `${server.monitorUrl}, ${address}`]);
    expect(both.of("server", "sync_interval").map(({ severity }) => severity)).toEqual(["warning", "ok"]);
  });

  it("reports a monitoring port that it cannot read", async () => {
    const bucket = await bucketWith({});
    await using bare = await startNats({ jetstream: false });
    const monitors = ["127.0.0.1:1", bare.monitorUrl, "http://["];
    const { of, exitCode } = await diagnosed(server, ["--bucket", bucket, "--monitor", monitors.join(",")]);
    expect(exitCode).toBe(0);
    expect(of("server", "sync_interval")).toMatchObject([
      { severity: "note", evidence: expect.stringMatching(/^http:\/\/127\.0\.0\.1:1 could not be read: /) },
      {
        severity: "note",
        evidence: `${bare.monitorUrl} could not be read: the server reports no JetStream configuration`,
      },
      {
        severity: "note",
        evidence: "a monitoring port could not be read: its URL needs the form http://host:port",
      },
    ]);
  });

  it("sends the password of a monitoring port as a header, and never prints it", async () => {
    const bucket = await bucketWith({});
    const seen: string[] = [];
    const guarded = createServer((request, response) => {
      seen.push(request.headers.authorization ?? "none");
      response.writeHead(401).end();
    }).listen(0, "127.0.0.1");
    await once(guarded, "listening");
    const port = listeningPort(guarded);
    const monitors = [`http://me:s3cret@127.0.0.1:${port}`, "me:s3cret@127.0.0.1:1", "http://me:s3cret@["];
    const env = { NATS_URL: server.url };
    const ran = await run(["doctor", "--json", "--bucket", bucket, "--monitor", monitors.join(",")], { env });
    guarded.close();
    expect(seen).toEqual([`Basic ${Buffer.from("me:s3cret").toString("base64")}`]);
    expect(ran.out).toContain(`http://127.0.0.1:${port} could not be read: it answered 401`);
    expect(ran.out + ran.err).not.toContain("s3cret");
  });

  it("reports a clock that differs from the local one", async () => {
    const bucket = await bucketWith({});
    const early: Clock = { ...systemClock, wallMs: () => systemClock.wallMs() + 3_600_000 };
    const { exitCode, bad, of } = await diagnosed(server, ["--bucket", bucket], { clock: early });
    expect([exitCode, bad]).toEqual([0, ["warning clocks this machine"]]);
    expect(of("clocks", "this machine")).toMatchObject([
      {
        evidence: expect.stringMatching(/^60 min ahead of the server, with an uncertainty of \d+ ms: /),
        remedy: expect.any(String),
      },
    ]);
  });
});

describe("latchkey doctor as a user", () => {
  const API = "$JS.API";
  const users = {
    replica: ["$KV.dedup.>", `${API}.STREAM.MSG.GET.KV_dedup`, `${API}.STREAM.INFO.KV_dedup`],
    reader: [`${API}.STREAM.INFO.KV_dedup`, `${API}.DIRECT.GET.KV_dedup`],
    stranger: ["elsewhere"],
  };
  let guarded: NatsServer;
  beforeAll(async () => {
    const all = Object.entries(users).map(
      ([user, publish]) =>
        `{ user: ${user}, password: x, permissions: { publish: ${JSON.stringify(publish)}, subscribe: "_INBOX_${user}.>" } }`,
    );
    guarded = await startNats({ config: `authorization { users: [{ user: admin, password: x }, ${all.join(", ")}] }` });
    await using owner = await connected(guarded, { user: "admin", pass: "x" });
    await makeBucket(owner, "dedup", { max_age: 0 });
  });
  afterAll(() => guarded.stop());

  const as = (user: string, ...argv: readonly string[]) =>
    diagnosed({ url: `${user}:x@127.0.0.1:${guarded.port}` }, ["--bucket", "dedup", ...argv]);

  it("accepts a replica's permissions", async () => {
    const { exitCode, bad, of } = await as("replica", "--inbox-prefix", "_INBOX_replica");
    expect([exitCode, bad]).toEqual([0, ["warning permissions operator", "warning permissions inspector"]]);
    expect(of("permissions", "replica")).toMatchObject([
      { severity: "ok", evidence: "3 required subjects are allowed" },
    ]);
    expect(of("records", "keys")).toEqual([]);
  });

  it("lists missing permissions", async () => {
    const { exitCode, of } = await as("reader", "--inbox-prefix", "_INBOX_reader");
    expect(exitCode).toBe(1);
    expect(of("permissions", "replica")).toMatchObject([
      {
        severity: "error",
        evidence:
          "this user may not publish to `$KV.dedup.>`, `$JS.API.STREAM.MSG.GET.KV_dedup`; a replica cannot dispatch without them",
      },
    ]);
    expect(of("records", "keys")).toMatchObject([{ evidence: "there are no keys" }]);
  });

  it("reports that the user may not read, or receives no reply", async () => {
    const stranger = await as("stranger", "--inbox-prefix", "_INBOX_stranger");
    expect(stranger.of("bucket", "bucket")).toMatchObject([
      { evidence: expect.stringContaining("the connection may not publish to $JS.API.STREAM.INFO.KV_dedup") },
    ]);
    const deaf = await as("replica");
    expect(deaf.bad).toEqual(["error bucket bucket"]);
    expect(deaf.of("bucket", "bucket")).toMatchObject([
      {
        evidence: expect.stringMatching(/may not subscribe to _INBOX\..*, where answers come$/),
        remedy: expect.stringContaining("--inbox-prefix"),
      },
    ]);
  });
});
