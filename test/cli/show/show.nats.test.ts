import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Clock, systemClock } from "../../../src/internal/clock.ts";
import { dedupKey, resolveIdentity } from "../../../src/model/identity.ts";
import { connected, makeBucket } from "../../support/nats-bucket.ts";
import { type NatsServer, startNats } from "../../support/nats-server.ts";
import { type OperatedBucket, operatedBucket } from "../../support/operated-bucket.ts";
import { commit } from "../../support/store-contract-fixture.ts";
import { run } from "../support/fake-io.ts";

let server: NatsServer;
let operated: OperatedBucket;

const RUBBISH = resolveIdentity({ subscriptionId: "billing", eventId: "rubbish" }).storeKey;
const secret = { card: "4711" };

beforeAll(async () => {
  server = await startNats();
  operated = await operatedBucket(server);
  const web = operated.replica("web-1", { keepResults: true });
  const options = { fingerprint: "f1", windowMs: 3_600_000, attempt: 2 };
  await web.guard({ subscriptionId: "billing", eventId: "done" }, () => secret, options);
  await web.reserve({ subscriptionId: "billing", eventId: "held" });
  for (const workspaceId of ["acme", "default"]) {
    await web.guard({ workspaceId, subscriptionId: "mail", eventId: "twice" }, () => undefined);
  }
  await operated.write(RUBBISH, "rubbish");
  await operated.write("foreign", "{}");
});
afterAll(async () => {
  await operated[Symbol.asyncDispose]();
  await server.stop();
});

const DURATION = /[\d.]+ (ms|s|min|h|d)\b/g;
const MOMENT = /\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC/g;
const timeless = (text: string): string => text.replaceAll(MOMENT, "<moment>").replaceAll(DURATION, "<time>");

/** Undoes the wrapping of paragraphs. */
const wrapped = (text: string): string => text.replaceAll(/(?<=[a-z,.>]) *\n {2}(?=[a-z<]+[^\n]*\.$)/gm, " ");

const LETTERS = "To find its dead letter, set LATCHKEY_DEAD_LETTER or use latchkey dead list --event.\n";

describe("latchkey show", () => {
  it("explains why a delivery is suppressed, and prints the record", async () => {
    const { exitCode, out, err } = await operated.run("show", "billing", "done");
    const { key, storeKey } = resolveIdentity({ subscriptionId: "billing", eventId: "done" });
    expect([exitCode, err]).toEqual([0, ""]);
    expect(wrapped(timeless(out))).toBe(`● committed  billing  done

  web-1 committed the event <time> ago at attempt 2. Deliveries are suppressed for another <time>, until the window ends.

  workspace     default
  subscription  billing
  event         done
  dedup key     ${key}
  store key     ${storeKey}
  bucket        ${operated.bucket}
  owner         web-1
  attempt       2
  fence         ${operated.firstRevision}
  revision      ${operated.firstRevision + 1}
  written       <moment>, <time> ago
  window ends   <moment>, in <time>
  fingerprint   stored
  result        stored, 15 bytes
`);
  });

  it("prints a payload only on request", async () => {
    const shown = await operated.run("show", "billing", "done", "--payload");
    expect(shown.out).toMatch(/fingerprint {3}f1\n {2}result {8}\{"card":"4711"\}\n$/);
    expect((await operated.run("show", "billing", "done", "--json")).out).not.toMatch(/4711|f1"/);
    const { objects } = await operated.run("show", "billing", "done", "--json", "--payload");
    expect(objects()).toMatchObject([{ fingerprint: "f1", result: secret }]);
  });

  it("prints the owner and the remaining lease", async () => {
    const { exitCode, out } = await operated.run("show", "billing", "held");
    expect(exitCode).toBe(0);
    expect(wrapped(timeless(out))).toContain(`● reserved  billing  held

  web-1 has held the key for <time> at attempt 1. The next delivery is pending for the rest of the lease, <time>, or until the handler ends.
`);
    expect(timeless(out)).toContain(`
  held since    <moment>, <time> ago
  lease         <time>, ends <moment>, in <time>
  expires       <moment>, in <time>
  fingerprint   none
  result        none
`);
  });

  it("reports an event without a key", async () => {
    const { exitCode, out } = await operated.run("show", "billing", "new");
    expect(exitCode).toBe(1);
    expect(out).toMatch(/^● unseen {2}billing {2}new\n\n {2}The key is empty, so the next delivery is dispatched/);
    expect(out).toMatch(/\n {2}workspace {5}any\n/);
    const { objects } = await operated.run("show", "billing", "new", "--json", "--workspace", "acme");
    expect(objects()).toMatchObject([
      {
        state: "unseen",
        workspaceId: "acme",
        delivery: "dispatched",
        explanation: expect.stringContaining("never arrived"),
      },
    ]);
  });

  it("finds an event in every workspace, or in one", async () => {
    const everywhere = await operated.run("show", "mail", "twice", "--json");
    expect(everywhere.objects().map(({ workspaceId }) => workspaceId)).toEqual(["acme", "default"]);
    expect((await operated.run("show", "mail", "twice")).out.match(/● committed/g)).toHaveLength(2);
    const acme = await operated.run("show", "mail", "twice", "--json", "--workspace", "acme");
    expect(acme.objects().map(({ workspaceId }) => workspaceId)).toEqual(["acme"]);
  });

  it("accepts a dedup key, a store key, or a subject of the bucket", async () => {
    const identity = resolveIdentity({ subscriptionId: "billing", eventId: "done" });
    for (const name of [identity.key, identity.storeKey, `$KV.${operated.bucket}.${identity.storeKey}`]) {
      expect((await operated.run("show", name, "--json")).objects()).toMatchObject([
        { ...identity, state: "committed" },
      ]);
    }
    const elsewhere = await operated.run("show", identity.key, "--workspace", "acme");
    expect(elsewhere).toMatchObject({ exitCode: 1, out: expect.stringMatching(/^● unseen\n\n/) });
    const unknown = await operated.run("show", dedupKey("s", "unknown"), "--json");
    expect(unknown.objects()).toEqual([{ state: "unseen", delivery: "dispatched", explanation: expect.any(String) }]);
  });

  it("shows unreadable keys and foreign messages", async () => {
    const rubbish = await operated.run("show", "billing", "rubbish");
    expect(rubbish.exitCode).toBe(0);
    expect(rubbish.out).toMatch(/^● unreadable {2}billing {2}rubbish\n\n {2}The next delivery is refused: /);
    expect(rubbish.out).toMatch(/does\s+not\s+hold\s+JSON/);
    const foreign = await operated.run("show", `$KV.${operated.bucket}.foreign`, "--json", "--payload");
    expect(foreign.objects()).toMatchObject([{ state: "unreadable", storeKey: null, delivery: "none" }]);
  });

  it("shows the record of another event, and clears it on request", async () => {
    const { storeKey } = resolveIdentity({ subscriptionId: "billing", eventId: "mistaken" });
    const other = resolveIdentity({ subscriptionId: "billing", eventId: "other" });
    await operated.write(storeKey, JSON.stringify(commit(other)));
    const { out } = await operated.run("show", "billing", "mistaken");
    expect(out).toMatch(/^● unreadable {2}billing {2}mistaken\n\n {2}The next delivery is refused: /);
    expect(out.replaceAll(/\s+/g, " ")).toContain(
      `The record of ${storeKey} belongs to another event: its \`eventId\` is \`other\`, which belongs to ${other.storeKey}.`,
    );
    const web = operated.replica("web-2");
    const delivered = () => web.guard({ subscriptionId: "billing", eventId: "mistaken" }, () => "");
    await expect(delivered()).rejects.toMatchObject({ code: "record-unreadable" });
    const clear = (...flags: readonly string[]) => operated.run("clear", "billing", "mistaken", "--yes", ...flags);
    expect((await clear()).out).toContain("There is nothing to clear.");
    expect((await clear("--state", "unreadable")).out).toContain("Cleared 1 key.");
    expect(await delivered()).toMatchObject({ outcome: "dispatched" });
  });

  it("names the reservation of a holder that did not finish, as does list", async () => {
    const identity = resolveIdentity({ subscriptionId: "billing", eventId: "taken-over" });
    await operated.write(identity.storeKey, JSON.stringify({ ...commit(identity), tookOverFrom: 4_711 }));
    const { out } = await operated.run("show", "billing", "taken-over");
    expect(out).toContain("\n  took over     from fence 4711, whose holder did not finish\n");
    const listed = await operated.run("list", "--event", "taken-over", "--json");
    expect(listed.objects()).toMatchObject([{ tookOverFrom: 4_711 }]);
    expect((await operated.run("list", "--event", "taken-over")).out).toMatch(/ TOOK OVER .* 4711 /s);
  });

  it("finds an event by the beginning of its key", async () => {
    const { storeKey } = resolveIdentity({ subscriptionId: "billing", eventId: "held" });
    const digest = storeKey.slice(storeKey.lastIndexOf(".") + 1);
    for (const short of [digest.slice(0, 12), `${digest.slice(0, 12)}…`]) {
      expect((await operated.run("show", short, "--json")).objects()).toMatchObject([{ eventId: "held" }]);
    }
  });

  it("says what may have been meant if it finds nothing", async () => {
    expect((await operated.run("show", "biling", "held")).err).toBe(
      `\nNo key has subscription \`biling\`; did you mean \`billing\`?\nThe event has keys under \`billing\`.\n${LETTERS}`,
    );
  });

  it("recognises an event that was just released", async () => {
    const web = operated.replica("web-2");
    const failing = web.guard({ subscriptionId: "billing", eventId: "failed" }, () => {
      throw new Error("no");
    });
    await expect(failing).rejects.toThrow("no");
    const { exitCode, objects } = await operated.run("show", "billing", "failed", "--json");
    expect(exitCode).toBe(1);
    expect(objects()).toMatchObject([
      {
        state: "unseen",
        eventId: "failed",
        explanation: expect.stringMatching(/web-2.*Error/),
        failure: { owner: "web-2", attempt: 1, error: expect.stringContaining("Error") },
      },
    ]);
  });

  it("reports when a renewed reservation began", async () => {
    await using other = await operatedBucket(server);
    const web = other.replica("web", { leaseMs: 1_000 });
    await web.guard({ subscriptionId: "s", eventId: "long" }, async () => {
      await new Promise<void>((resolve) => {
        web.subscribe(({ type }) => type === "renewed" && resolve());
      });
      const { objects } = await other.run("show", "s", "long", "--json");
      const [stored] = objects();
      expect(stored).toMatchObject({
        state: "reserved",
        explanation: expect.stringContaining("web has held the key for"),
      });
      expect(Number(stored?.["heldMs"])).toBeGreaterThan(1_000 - Number(stored?.["leaseLeftMs"]));
    });
  });

  it("uses the server's clock, and reports a different local one", async () => {
    const late: Clock = { ...systemClock, wallMs: () => systemClock.wallMs() - 3_600_000 };
    const argv = ["show", "billing", "held", "--bucket", operated.bucket];
    const { out, err } = await run(argv, { clock: late, env: { NATS_URL: server.url } });
    expect(out).toMatch(/has held the key for [\d.]+ m?s/);
    expect(err).toBe("\nThe clock of this machine is 60 min behind the server's. All times follow the server.\n");
  });

  it.each([
    [["billing"], "`billing` is not a key, nor the beginning of a stored one: give a subscription and an event id"],
    [["$KV.other.key"], "is not a key"],
    [["billing", ""], "`eventId`"],
    [["billing", "1", "--workspace", ""], "`workspaceId`"],
    [[], "missing required argument"],
  ])("refuses %j", async (argv, sentence) => {
    const { exitCode, out, err } = await operated.run("show", ...argv);
    expect([exitCode, out, err]).toEqual([2, "", expect.stringContaining(sentence)]);
  });

  it("needs only the permissions of a replica", async () => {
    const replica = `{ user: replica, password: x, permissions: { publish: ["$KV.dedup.>", "$JS.API.STREAM.MSG.GET.KV_dedup", "$JS.API.STREAM.INFO.KV_dedup"], subscribe: "_INBOX_replica.>" } }`;
    const looker = `{ user: looker, password: x, permissions: { publish: "$JS.API.STREAM.INFO.KV_dedup" } }`;
    await using guarded = await startNats({
      config: `authorization { users: [{ user: admin, password: x }, ${replica}, ${looker}] }`,
    });
    {
      await using admin = await connected(guarded, { user: "admin", pass: "x" });
      await makeBucket(admin, "dedup");
    }
    const env = { NATS_URL: `replica:x@127.0.0.1:${guarded.port}`, NATS_INBOX_PREFIX: "_INBOX_replica" };
    expect(await run(["show", "s", "e", "--bucket", "dedup"], { env })).toMatchObject({
      exitCode: 1,
      err: `\n${LETTERS}`,
    });
    const lookerEnv = { NATS_URL: `looker:x@127.0.0.1:${guarded.port}` };
    expect(await run(["show", "s", "e", "--bucket", "dedup"], { env: lookerEnv })).toMatchObject({
      exitCode: 2,
      err: "latchkey: Bucket dedup cannot be read: the connection may not publish to $JS.API.STREAM.MSG.GET.KV_dedup. Grant the permission, or use other credentials\n",
    });
  });
});
