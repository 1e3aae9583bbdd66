import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runCli } from "../../../src/cli/cli.ts";
import { Deferred } from "../../../src/internal/deferred.ts";
import { resolveIdentity } from "../../../src/model/identity.ts";
import { natsStore } from "../../../src/nats/index.ts";
import { connected, makeBucket } from "../../support/nats-bucket.ts";
import { type NatsServer, startNats } from "../../support/nats-server.ts";
import { type OperatedBucket, operatedBucket } from "../../support/operated-bucket.ts";
import { FakeIo, run } from "../support/fake-io.ts";

let server: NatsServer;
let operated: OperatedBucket;

const held = { subscriptionId: "billing", eventId: "held" };
const RUBBISH = resolveIdentity({ subscriptionId: "billing", eventId: "rubbish" }).storeKey;

beforeAll(async () => {
  server = await startNats();
  operated = await operatedBucket(server);
  const web = operated.replica("web-1", { keepResults: true });
  for (const id of ["1", "2"]) {
    await web.guard({ subscriptionId: "billing", eventId: id }, () => "secret", { fingerprint: "f", windowMs: 60_000 });
  }
  await operated.replica("web-2").guard({ workspaceId: "acme", subscriptionId: "mail", eventId: "3" }, () => "");
  await web.reserve(held, { attempt: 3, leaseMs: 60_000 });
  await operated.write(RUBBISH, "rubbish");
  await operated.write("foreign", "{}");
});
afterAll(async () => {
  await operated[Symbol.asyncDispose]();
  await server.stop();
});

const states = (objects: readonly Readonly<Record<string, unknown>>[]): readonly string[] =>
  objects.map(({ state, eventId = "" }) => `${String(state)} ${String(eventId)}`.trim());

describe("latchkey list", () => {
  it("prints keys that may be stuck first, with counts", async () => {
    const { exitCode, out, err } = await operated.run("list");
    expect([exitCode, err]).toEqual([0, "6 keys: 1 reserved, 3 committed, 2 unreadable\n"]);
    const lines = out
      .split("\n")
      .map((line) => line.replaceAll(/[\d.]+ (ms|s|min|h|d)\b/g, "#").replaceAll(/ {2,}/g, "  "));
    expect(lines).toEqual([
      "STATE  KEY  WORKSPACE  SUBSCRIPTION  EVENT  OWNER  TRY  SINCE  LEFT",
      `unreadable  $KV.${operated.bucket}.foreign  #  #`,
      `unreadable  CZ5OH-mP  ${RUBBISH}  #  #`,
      "reserved  1CpS1FBQ  default  billing  held  web-1  3  #  #",
      "committed  dW53tTgg  acme  mail  3  web-2  1  #  #",
      "committed  dZZoyFX9  default  billing  2  web-1  1  #  #",
      "committed  TwuAD-la  default  billing  1  web-1  1  #  #",
      "",
    ]);
  });

  it("prints keys as JSON without payloads", async () => {
    const { exitCode, out, objects } = await operated.run("list", "--json");
    expect(exitCode).toBe(0);
    expect(out).not.toContain("secret");
    expect(states(objects())).toEqual([
      "committed 1",
      "committed 2",
      "committed 3",
      "reserved held",
      "unreadable",
      "unreadable",
    ]);
    const identity = { ...resolveIdentity(held), bucket: operated.bucket };
    const { firstRevision: first } = operated;
    expect(objects()[3]).toEqual({
      ...{ state: "reserved", ...identity, owner: "web-1", attempt: 3, fence: first + 6, revision: first + 6 },
      leaseMs: 60_000,
      ...{ storedAtMs: expect.any(Number), endsAtMs: expect.any(Number), endsInMs: expect.any(Number) },
      ...{ leaseLeftMs: expect.any(Number), heldMs: expect.any(Number), hasFingerprint: false, hasResult: false },
    });
    expect(objects()[0]).toMatchObject({ fence: first, revision: first + 1, hasFingerprint: true, hasResult: true });
    expect(Number(objects()[0]?.["endsAtMs"]) - Number(objects()[0]?.["storedAtMs"])).toBe(60_000);
    expect(objects()[4]).toMatchObject({ storeKey: RUBBISH, reason: expect.stringContaining("does not hold JSON") });
    expect(objects()[5]).toMatchObject({ storeKey: null, subject: `$KV.${operated.bucket}.foreign` });
  });

  it.each<readonly [argv: readonly string[], found: readonly string[]]>([
    [
      ["--subscription", "billing"],
      ["committed 1", "committed 2", "reserved held", "unreadable"],
    ],
    [["--subscription", "billing", "--event", "2"], ["committed 2"]],
    [["--workspace", "acme"], ["committed 3"]],
    [["--state", "reserved"], ["reserved held"]],
    [["--owner", "b-2"], ["committed 3"]],
    [["--owner", "nobody"], []],
    [["--older-than", "1h"], []],
    [
      ["--newer-than", "1h", "--state", "committed", "--workspace", "default"],
      ["committed 1", "committed 2"],
    ],
    [
      ["--sort", "newest", "--state", "committed"],
      ["committed 3", "committed 2", "committed 1"],
    ],
    [
      ["--sort", "oldest", "--limit", "2"],
      ["committed 1", "committed 2"],
    ],
    [["--sort", "ending", "--limit", "1", "--state", "committed"], ["committed 1"]],
    [
      ["--limit", "3"],
      ["unreadable", "unreadable", "reserved held"],
    ],
  ])("prints JSON with %j", async (argv, found) => {
    const { exitCode, objects } = await operated.run("list", "--json", ...argv);
    expect([exitCode, states(objects())]).toEqual([0, found]);
  });

  it("reports that nothing matches, or that more keys exist", async () => {
    expect(await operated.run("list", "--subscription", "nothing")).toMatchObject({
      exitCode: 0,
      out: "",
      err: "No keys match.\nNo key has subscription `nothing`.\n",
    });
    const { out, err } = await operated.run("list", "--limit", "1", "--state", "committed");
    expect(out.split("\n")).toHaveLength(3);
    expect(err).toBe("3 keys: 3 committed. Showing 1; --limit 0 shows all.\n");
  });

  it("fits a terminal, and highlights problems", async () => {
    const io = new FakeIo({ terminal: true, env: { NATS_URL: server.url } });
    expect(await runCli(["list", "--bucket", operated.bucket], io)).toBe(0);
    const lines = io.out.text.split("\n");
    expect(io.out.text).toContain("\u001b[31munreadable\u001b[0m");
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is taken away.
    expect(lines.filter((line) => line.replaceAll(/\u001b\[\d+m/g, "").length > 80)).toEqual([]);
  });

  it("stops when it is interrupted, without listeners", async () => {
    for (const how of [["--json"], []]) {
      const io = new FakeIo({ env: { NATS_URL: server.url } });
      const onInterrupt = io.onInterrupt.bind(io);
      io.onInterrupt = (listener) => {
        const unsubscribe = onInterrupt(listener);
        io.interrupt();
        return unsubscribe;
      };
      expect(await runCli(["list", ...how, "--bucket", operated.bucket], io)).toBe(130);
      expect([io.out.text, io.err.text, io.listeners]).toEqual(["", "", 0]);
    }
  });

  it("shows the age of a renewed reservation since its first write", async () => {
    await using other = await operatedBucket(server);
    const web = other.replica("web", { leaseMs: 1_000 });
    let renewals = 0;
    const renewed = new Deferred<void>();
    web.subscribe(({ type }) => {
      if (type === "renewed") renewals += 1;
      if (renewals === 2) renewed.resolve();
    });
    await web.guard(held, async () => {
      await renewed.promise;
      const [stored] = (await other.run("list", "--json")).objects();
      const sinceRenewalMs = 1_000 - Number(stored?.["leaseLeftMs"]);
      expect(Number(stored?.["heldMs"]) - sinceRenewalMs).toBeGreaterThan(400);
    });
  });

  it("shows ended and unlimited keys", async () => {
    await using connection = await connected(server);
    await makeBucket(connection, "endless", { max_age: 0 });
    const record = { v: 1, state: "reserved", workspaceId: "default", ...held, owner: "web", token: "t" };
    const fields = { attempt: 1, fence: 0, leaseMs: 1, atMs: 0 };
    const { storeKey } = resolveIdentity(held);
    await connection.request(`$KV.endless.${storeKey}`, JSON.stringify({ ...record, ...fields }));
    await connection.request("$KV.endless.foreign", "{}");
    const argv = ["list", "--bucket", "endless"];
    const options = { env: { NATS_URL: server.url } };
    const { out } = await run(argv, options);
    expect(out).toMatch(/^unreadable .* unlimited$/m);
    expect(out).toMatch(/^endless .* ended$/m);
    const { objects } = await run([...argv, "--json"], options);
    expect(objects()).toMatchObject([
      { state: "reserved", endsAtMs: null, endsInMs: null },
      { state: "unreadable", endsAtMs: null, endsInMs: null },
    ]);
    expect((await run([...argv, "--json", "--sort", "ending"], options)).objects()).toHaveLength(2);
    const shown = await run(["show", "billing", "held", "--bucket", "endless"], options);
    expect(shown.out).toMatch(/\n {2}expires {7}never\n/);
  });

  it("uses the bucket in the environment, and otherwise the server's only bucket of Latchkey", async () => {
    const env = { NATS_URL: server.url, LATCHKEY_BUCKET: operated.bucket };
    expect((await run(["list"], { env })).exitCode).toBe(0);
    await using own = await startNats();
    await using connection = await connected(own);
    await makeBucket(connection, "settings", { allow_msg_ttl: false });
    const only = { env: { NATS_URL: own.url } };
    expect((await run(["list"], only)).err).toContain("Name a bucket");
    await natsStore(connection, { bucket: "dedup", shards: 2 });
    expect(await run(["list"], only)).toMatchObject({ exitCode: 0, err: "No keys match.\n" });
    await natsStore(connection, { bucket: "other" });
    expect((await run(["list"], only)).err).toContain("this server has dedup-1-of-2, dedup-2-of-2, other, settings");
  });

  it("lists an event across subscriptions, and suggests a subscription", async () => {
    await using own = await operatedBucket(server);
    const web = own.replica("web-1");
    for (const subscriptionId of ["billing", "mail"]) await web.guard({ subscriptionId, eventId: "42" }, () => "");
    await web.guard({ subscriptionId: "mail", eventId: "43" }, () => "");
    const found = (await own.run("list", "--event", "42", "--json")).objects();
    expect(found.map(({ subscriptionId }) => subscriptionId).toSorted()).toEqual(["billing", "mail"]);
    await web.guard({ subscriptionId: "billing", eventId: '["/orders","7"]' }, () => "");
    expect((await own.run("list", "--event", "7")).err).toBe(
      'No keys match.\nThe event id of a CloudEvent is its source and its id: `["/orders","7"]`.\n',
    );
    expect((await own.run("list", "--subscription", "biling")).err).toBe(
      "No keys match.\nNo key has subscription `biling`; did you mean `billing`?\n",
    );
  });

  it("lists failed events with their errors on request, and mentions them otherwise", async () => {
    await using own = await operatedBucket(server);
    const web = own.replica("web-1");
    const broken = { workspaceId: "acme", subscriptionId: "billing", eventId: "broken" };
    const fails = (): Promise<never> => Promise.reject(Object.assign(new Error("card 4111"), { code: "ECARD" }));
    await expect(web.guard(broken, fails, { attempt: 2 })).rejects.toThrow("card");
    await web.guard({ subscriptionId: "billing", eventId: "done" }, () => "");
    const all = await own.run("list");
    expect(all.out).not.toContain("broken");
    expect(all.err).toContain("The last dispatch of 1 event failed within the last hour; --state failed lists it.");
    const { objects } = await own.run("list", "--state", "failed", "--json");
    const { key, storeKey } = resolveIdentity(broken);
    const failed = { state: "failed", ...broken, key, storeKey, owner: "web-1", attempt: 2, error: "Error ECARD" };
    expect(objects()).toEqual([expect.objectContaining(failed)]);
    expect(objects()[0]?.["endsInMs"]).toBeGreaterThan(3_500_000);
    const table = await own.run("list", "--state", "failed", "--owner", "web");
    expect(table.out).toMatch(
      /^STATE +KEY .* ERROR *\nfailed +\S+ +acme +billing +broken +web-1 +2 .* Error ECARD *\n$/,
    );
    expect(table.err).toBe("1 failed event\n");
    const [short = ""] = /(?<=failed +)\S+/.exec(table.out) ?? [];
    const shown = await own.run("show", short);
    expect(shown.out).toMatch(/^● unseen {2}billing {2}broken\n/);
    expect(shown.out).toMatch(/\n {2}last error {4}Error ECARD\n/);
    expect((await own.run("list", "--state", "failed", "--workspace", "default")).err).toBe(
      "No failed events match.\n",
    );
    await web.guard(broken, () => "");
    expect((await own.run("list")).err).toBe("2 keys: 2 committed\n");
  });

  it("does not create a bucket, and lists the existing ones", async () => {
    const env = { NATS_URL: server.url };
    expect(await run(["list", "--bucket", "operate"], { env })).toMatchObject({
      exitCode: 2,
      out: "",
      err: expect.stringMatching(/^latchkey: There is no bucket `operate`; this server has .*operated\d/),
    });
    expect(await run(["list"], { env })).toMatchObject({
      exitCode: 2,
      err: expect.stringMatching(
        /^latchkey: Name a bucket: --bucket <name>, or LATCHKEY_BUCKET; this server has .*operated\d/,
      ),
    });
    await using connection = await connected(server);
    await expect(makeBucket(connection, "operate")).resolves.toBeDefined();
  });

  it.each([
    [["--subscription", ""], "`subscriptionId`"],
    [["--older-than", "soon"], "Expected a duration such as 90s, 15m, 12h or 7d"],
    [["--older-than", "1000d"], "Expected a duration such as"],
    [["--state", "unseen"], "Allowed choices are reserved, committed, unreadable"],
    [["--bucket", "no.name"], "A bucket needs a name of letters"],
  ])("refuses %j", async (argv, sentence) => {
    const { exitCode, out, err } = await run(["list", "--bucket", operated.bucket, ...argv], {
      env: { NATS_URL: server.url },
    });
    expect([exitCode, out, err]).toEqual([2, "", expect.stringContaining(sentence)]);
  });
});

describe("a bucket's user", () => {
  let guarded: NatsServer;
  beforeAll(async () => {
    const user = (name: string, publish: readonly string[]): string =>
      `{ user: ${name}, password: x, permissions: { publish: ${JSON.stringify(publish)}, subscribe: "_INBOX_${name}.>" } }`;
    const readsInfo = "$JS.API.STREAM.INFO.KV_dedup";
    guarded = await startNats({
      config: `authorization { users: [{ user: admin, password: x }, ${user("lister", [readsInfo, "$JS.API.DIRECT.GET.KV_dedup"])}, ${user("looker", [readsInfo])}, ${user("stranger", ["elsewhere"])}] }`,
    });
    await using admin = await connected(guarded, { user: "admin", pass: "x" });
    await makeBucket(admin, "dedup");
  });
  afterAll(() => guarded.stop());

  const list = (name: string, ...argv: readonly string[]) =>
    run(["list", ...argv, "--nats", `${name}:x@127.0.0.1:${guarded.port}`, "--inbox-prefix", `_INBOX_${name}`]);

  it("needs only permissions to read the bucket", async () => {
    expect(await list("lister", "--bucket", "dedup")).toMatchObject({ exitCode: 0, err: "No keys match.\n" });
  });

  it("names the missing permission", async () => {
    expect(await list("looker", "--bucket", "dedup")).toMatchObject({
      exitCode: 2,
      err: "latchkey: Bucket dedup cannot be read: the connection may not publish to $JS.API.DIRECT.GET.KV_dedup. Grant the permission, or use other credentials\n",
    });
    expect(await list("stranger", "--bucket", "dedup")).toMatchObject({
      exitCode: 2,
      err: expect.stringContaining("the connection may not publish to $JS.API.STREAM.INFO.KV_dedup"),
    });
  });

  it("gets no list of buckets without the permission", async () => {
    expect(await list("stranger")).toMatchObject({
      exitCode: 2,
      err: "latchkey: Name a bucket: --bucket <name>, or LATCHKEY_BUCKET\n",
    });
  });
});
