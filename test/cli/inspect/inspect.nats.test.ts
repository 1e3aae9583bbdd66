import { createServer, get } from "node:http";
import { jetstreamManager } from "@nats-io/jetstream";
import { describe, expect, it } from "vitest";
import { runCli } from "../../../src/cli/cli.ts";
import { Deduplicator } from "../../../src/deduplicator.ts";
import { natsStore } from "../../../src/nats/index.ts";
import { eventually } from "../../support/eventually.ts";
import { connected, makeBucket } from "../../support/nats-bucket.ts";
import { operatedBucket } from "../../support/operated-bucket.ts";
import { useNatsServer } from "../../support/use-nats-server.ts";
import { FakeIo, isObject, run } from "../support/fake-io.ts";

const nats = useNatsServer();

interface OpenInspector extends AsyncDisposable {
  readonly url: URL;
  readonly io: FakeIo;
  /** Returns the recorded steps once there are at least `atLeast`. */
  steps(atLeast: number): Promise<readonly Readonly<Record<string, unknown>>[]>;
  /** Ends the command and returns its exit code. */
  end(): Promise<number>;
}

async function openInspector(...argv: readonly string[]): Promise<OpenInspector> {
  const io = new FakeIo({ env: { NATS_URL: nats.server.url } });
  const running = runCli(["inspect", ...argv], io);
  await Promise.race([io.out.until("\n"), running]);
  const url = new URL(io.out.text.trim());
  const end = (): Promise<number> => {
    io.interrupt();
    return running;
  };
  return {
    url,
    io,
    end,
    steps: (atLeast) =>
      eventually(`${atLeast} steps`, async () => {
        const lines = (await (await fetch(new URL("/api/recording", url))).text()).trim().split("\n").slice(1);
        const steps = lines.map((line): unknown => JSON.parse(line)).filter(isObject);
        return steps.length >= atLeast ? steps : undefined;
      }),
    [Symbol.asyncDispose]: async () => {
      await end();
    },
  };
}

const stepTexts = (steps: readonly Readonly<Record<string, unknown>>[]): readonly string[] =>
  steps.map(({ type, replica, identity, cause }) => {
    const eventId = isObject(identity) ? identity["eventId"] : undefined;
    return [type, eventId, replica, cause].filter((part) => part !== "").join(" ");
  });

const event = (eventId: string) => ({ subscriptionId: "billing", eventId });

describe("latchkey inspect", () => {
  it("shows the past and current steps of every replica from the bucket alone", async () => {
    await using operated = await operatedBucket(nats.server);
    const [one, two] = [operated.replica("web-1", { leaseMs: 1_000 }), operated.replica("web-2")];
    await two.guard(event("old"), () => "secret");
    const held = await two.reserve(event("held"));
    await using inspector = await openInspector("--bucket", operated.bucket);
    expect(inspector.url.href).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/#token=[\w-]+$/);
    expect(inspector.io.err.text).toContain(`bucket ${operated.bucket}. Press Ctrl-C`);
    expect(stepTexts(await inspector.steps(1))).toEqual(["reserved held web-2"]);

    await one.guard(event("a"), () => "secret");
    await expect(two.guard(event("b"), () => Promise.reject(new Error("refused")))).rejects.toThrow("refused");
    await one.guard(event("a"), () => "secret");
    const renewed = new Promise<void>((resolve) => {
      one.subscribe(({ type }) => type === "renewed" && resolve());
    });
    await one.guard(event("c"), () => renewed);
    if (held.decision === "unseen") await held.commit();

    const steps = await inspector.steps(10);
    expect(stepTexts(steps)).toEqual([
      "reserved held web-2",
      "reserved a web-1",
      "committed a web-1 confirmed",
      "reserved b web-2",
      "failed b web-2 Error",
      "released b web-2",
      "reserved c web-1",
      "renewed c web-1",
      "committed c web-1 confirmed",
      "committed held web-2 confirmed",
    ]);
    const revisions = steps.map(({ revision }) => Number(revision));
    expect(revisions).toEqual(revisions.toSorted((a, b) => a - b));
    expect(JSON.stringify(steps)).not.toContain("secret");
    expect([await inspector.end(), inspector.io.listeners]).toEqual([0, 0]);
    await expect(fetch(inspector.url)).rejects.toThrow();
    const consumers = await (await jetstreamManager(operated.connection)).consumers
      .list(`KV_${operated.bucket}`)
      .next();
    expect(consumers).toEqual([]);
  });

  it("clears the requested key, and replicas that answer from memory are notified", async () => {
    await using operated = await operatedBucket(nats.server);
    const web = operated.replica("web-1");
    await web.guard(event("a"), () => "");
    await using inspector = await openInspector("--bucket", operated.bucket);
    const found = await fetch(new URL("/api/event?subscriptionId=billing&eventId=a", inspector.url));
    const detail: unknown = await found.json();
    const revision = operated.firstRevision + 1;
    expect(detail).toMatchObject({ record: { state: "committed", owner: "web-1", revision }, trace: [] });
    const { storeKey } = isObject(detail) && isObject(detail["identity"]) ? detail["identity"] : {};
    const { origin, hash } = inspector.url;
    const headers = { origin, authorization: `Bearer ${hash.replace("#token=", "")}` };
    const remove = () => fetch(`${origin}/api/remove?key=${String(storeKey)}:${revision}`, { method: "POST", headers });
    expect(await (await remove()).json()).toEqual({ removed: 1, changed: 0 });
    expect(await (await remove()).json()).toEqual({ removed: 0, changed: 1 });
    expect(await web.guard(event("a"), () => "again")).toMatchObject({ outcome: "dispatched" });
    expect(stepTexts(await inspector.steps(3))).toEqual([
      "cleared a inspector the key was committed",
      "reserved a web-1",
      "committed a web-1 confirmed",
    ]);
  });

  it("shows the buckets that share the keys as one, and refuses several numbers of shards", async () => {
    await using connection = await connected(nats.server);
    const shared = { bucket: "sharing", shards: 3 };
    const before = new Deduplicator({ store: await natsStore(connection, shared), owner: "web-1" });
    for (const id of ["1", "2", "3", "4"]) await before.reserve(event(id));
    {
      await using inspector = await openInspector("--bucket", "sharing", "--read-only");
      expect(inspector.url.hash).toBe("");
      expect(stepTexts(await inspector.steps(4)).toSorted()).toEqual(
        ["1", "2", "3", "4"].map((id) => `reserved ${id} web-1`),
      );
    }
    const after = new Deduplicator({ store: await natsStore(connection, shared), owner: "web-2" });
    await after.reserve(event("5"));
    {
      await using inspector = await openInspector("--bucket", "sharing");
      expect(stepTexts(await inspector.steps(5)).toSorted()).toContain("reserved 5 web-2");
    }
    await makeBucket(connection, "sharing");
    const env = { NATS_URL: nats.server.url };
    expect(await run(["inspect", "--bucket", "sharing"], { env })).toMatchObject({
      exitCode: 2,
      err: expect.stringContaining("choose one with --shards"),
    });
    await Promise.all([before.close({ drainMs: 0 }), after.close({ drainMs: 0 })]);
  });

  it("serves below a path, to the names that are allowed, with links", async () => {
    await using operated = await operatedBucket(nats.server);
    await using inspector = await openInspector(
      ...["--bucket", operated.bucket, "--base-path", "/ops", "--allowed-host", "ops.example"],
      ...["--allowed-origin", "https://ops.example", "--link", "Logs=https://logs.example/?q={eventId}"],
    );
    expect(inspector.url.pathname).toBe("/ops/");
    const { port, hash } = inspector.url;
    const status = (host: string): Promise<number | undefined> =>
      new Promise((resolve, reject) => {
        const headers = { host, authorization: `Bearer ${hash.replace("#token=", "")}` };
        get({ host: "127.0.0.1", port, path: "/ops/api/events", headers }, ({ statusCode }) =>
          resolve(statusCode),
        ).once("error", reject);
      });
    expect([await status("ops.example"), await status("evil.example")]).toEqual([200, 421]);
    const page = await (await fetch(new URL("/ops/", inspector.url))).text();
    expect(page).toContain("<title>");
  });

  it("reports invalid arguments", async () => {
    await using operated = await operatedBucket(nats.server);
    const env = { NATS_URL: nats.server.url };
    const argv = ["inspect", "--bucket", operated.bucket];
    const taken = createServer();
    await new Promise<void>((resolve) => taken.listen(0, "127.0.0.1", resolve));
    const address = taken.address();
    const port = String(typeof address === "object" ? address?.port : 0);
    expect(await run([...argv, "--port", port], { env })).toMatchObject({
      exitCode: 2,
      out: "",
      err: expect.stringContaining(`Cannot listen at 127.0.0.1, port ${port}`),
    });
    taken.close();
    expect(await run(argv, { env: { ...env, LATCHKEY_INSPECTOR_TOKEN: "short" } })).toMatchObject({
      exitCode: 2,
      err: expect.stringContaining("Expected `token` to be at least 16 letters"),
    });
    expect(await run(["inspect", "--bucket", "nothing"], { env })).toMatchObject({
      exitCode: 2,
      err: expect.stringContaining("There is no bucket `nothing`"),
    });
    expect(await run([...argv, "--port", "65536"], { env })).toMatchObject({ exitCode: 2 });
    for (const [flag, value, sentence] of [
      ["--link", "https://logs.example", "--link needs the form Name=https://…, got `https://logs.example`"],
      ["--link", "=https://logs.example", "--link needs the form"],
      ["--dead-letter", "a.>", "a subject without wildcards"],
    ] as const) {
      expect(await run([...argv, flag, value], { env })).toMatchObject({
        exitCode: 2,
        err: expect.stringContaining(sentence),
      });
    }
  });
});
