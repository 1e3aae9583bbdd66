import { describe, expect, it } from "vitest";
import { Deduplicator } from "../../../src/index.ts";
import { effectOnce, postgresStore, schemaSql } from "../../../src/postgres/index.ts";
import { eventually } from "../../support/eventually.ts";
import { type TestDatabase, testDatabase } from "../../support/postgres-database.ts";
import { ask, startPostgres, startStandby } from "../../support/postgres-server.ts";
import { run } from "../support/fake-io.ts";

/** Runs the command, and returns its findings other than `ok` as `<area> <check> <severity>: <evidence>`. */
async function doctor(url: string, ...argv: string[]) {
  const { exitCode, err, objects } = await run(["doctor", "--postgres", url, "--json", ...argv]);
  const findings = objects().filter((one) => !("summary" in one));
  const bad = findings.filter(({ severity }) => severity !== "ok");
  const text = (all: typeof findings): string =>
    all.map((one) => `${one["area"]} ${one["check"]} ${one["severity"]}: ${one["evidence"]}`).join("\n");
  return { exitCode, err, findings, all: text(findings), bad: text(bad) };
}

function nameOf({ url }: TestDatabase): string {
  return new URL(url).pathname.slice(1);
}

describe("latchkey doctor --postgres", () => {
  it("finds no error and no warning in a new database, and writes nothing", async () => {
    await using database = await testDatabase();
    const store = await postgresStore(database.pool);
    await new Deduplicator({ store, owner: "web-1" }).guard({ subscriptionId: "s", eventId: "e" }, () => {});
    const before = await database.pool.query("select xmin::text, * from latchkey.keys");
    const { exitCode, bad, all } = await doctor(database.url);
    expect(exitCode).toBe(0);
    expect(bad).not.toMatch(/ (error|warning): /);
    expect(all).toContain("server version ok: ");
    expect(all).toContain("tables schema ok: 4 tables of schema latchkey");
    expect(all).toContain("permissions role ok: postgres may read and write all tables");
    expect(all).toContain("records keys ok: 1 committed");
    expect((await database.pool.query("select xmin::text, * from latchkey.keys")).rows).toEqual(before.rows);
  });

  it("prints findings by area, with a remedy for each", async () => {
    await using database = await testDatabase("drop table latchkey.cleared;");
    const { exitCode, out } = await run(["doctor", "--postgres", database.url]);
    expect(exitCode).toBe(1);
    expect(out).toMatch(/^server\n/);
    expect(out).toMatch(/tables\n {2}✗ cleared +does not exist\n +→ run `latchkey postgres schema \| psql`/);
  });

  it("finds missing and wrong tables, and a disabled trigger", async () => {
    await using database = await testDatabase(
      `drop table latchkey.watchers; alter table latchkey.keys drop column written_at;
       alter table latchkey.effects disable trigger all;`,
    );
    const { exitCode, bad } = await doctor(database.url);
    expect(exitCode).toBe(1);
    expect(bad).toContain("tables watchers error: does not exist");
    expect(bad).toContain(
      "tables keys error: is of another version: it must have `written_at timestamp with time zone`",
    );
  });

  it("finds a disabled trigger of the markers", async () => {
    await using database = await testDatabase("alter table latchkey.effects disable trigger require_finished_effect;");
    const { exitCode, bad } = await doctor(database.url);
    expect([exitCode, bad]).toEqual([1, expect.stringContaining("can commit a marker without its effect")]);
  });

  it("finds that another schema is empty", async () => {
    await using database = await testDatabase();
    const { exitCode, bad } = await doctor(database.url, "--schema", "elsewhere");
    expect([exitCode, bad]).toEqual([1, expect.stringContaining("tables keys error: does not exist")]);
  });

  it("finds rights that the role lacks", async () => {
    await using database = await testDatabase();
    const role = `patient_${process.pid}`;
    await database.pool.query(`create role ${role} login; grant usage on schema latchkey to ${role};
      grant select on latchkey.keys to ${role}`);
    try {
      const url = Object.assign(new URL(database.url), { username: role }).href;
      const { exitCode, bad } = await doctor(url);
      expect(exitCode).toBe(1);
      expect(bad).toContain("permissions keys error: may not be read and written by this role");
      expect(bad).toContain("permissions revisions error: may not be used by this role");
      await database.pool.query(schemaSql({ role }));
      expect((await doctor(url)).exitCode).toBe(0);
    } finally {
      await database.pool.query(`drop owned by ${role}; drop role ${role}`);
    }
  });

  it.each([
    ["default_transaction_read_only = on", "server writable error: transactions of postgres are read-only"],
    ["synchronous_commit = off", "server synchronous_commit error: is off: a crash loses acknowledged writes"],
    ["statement_timeout = 200", "server statement_timeout warning: 200 ms"],
    ["lock_timeout = 50", "server lock_timeout warning: 50 ms"],
    ["idle_session_timeout = 2000", "server idle_session_timeout warning: 2000 ms"],
    ["default_transaction_isolation = 'serializable'", "server isolation note: serializable: a concurrent marker"],
  ])("finds the setting %s", async (setting, expected) => {
    await using database = await testDatabase();
    await database.pool.query(`alter database ${nameOf(database)} set ${setting}`);
    expect((await doctor(database.url)).bad).toContain(expected);
  });

  it("notes that hung transactions never end, until they do", async () => {
    await using database = await testDatabase();
    expect((await doctor(database.url)).bad).toContain("idle_in_transaction_session_timeout note: is off");
    await database.pool.query(`alter database ${nameOf(database)} set idle_in_transaction_session_timeout = '60s'`);
    expect((await doctor(database.url)).bad).not.toContain("idle_in_transaction_session_timeout");
  });

  it("finds expired markers and keys that nobody deletes", async () => {
    await using database = await testDatabase();
    const client = await database.pool.connect();
    await client.query("begin");
    await effectOnce(client, { idempotencyKey: "old", fence: 1 }, () => {});
    await client.query("commit");
    client.release();
    await database.pool.query("update latchkey.effects set expires_at = now() - interval '1 hour'");
    expect((await doctor(database.url)).bad).not.toContain("tables effects");
    await database.pool.query("update latchkey.effects set expires_at = now() - interval '3 days'");
    await database.pool.query(
      `insert into latchkey.keys select 'k' || n, '', now(), n, now() - interval '1 hour' from generate_series(1, 20000) n`,
    );
    const { exitCode, bad } = await doctor(database.url);
    expect(exitCode).toBe(0);
    expect(bad).toMatch(/tables effects warning: .* in 1 row, of which 1 expired more than two days ago/);
    expect(bad).toMatch(/tables keys warning: .* in 20,000 rows, of which 20,000 have expired/);
  });

  it("finds unreadable and stuck records", async () => {
    await using database = await testDatabase();
    const dedup = new Deduplicator({ store: await postgresStore(database.pool), owner: "web-1" });
    await dedup.reserve({ subscriptionId: "s", eventId: "stuck" });
    await database.pool.query(
      "update latchkey.keys set written_at = now() - interval '3 hours', expires_at = now() + interval '1 day'",
    );
    await dedup.guard({ subscriptionId: "s", eventId: "broken" }, () => {});
    await database.pool.query("update latchkey.keys set record = '{}' where record like '%broken%'");
    const { exitCode, bad } = await doctor(database.url);
    expect(exitCode).toBe(1);
    expect(bad).toContain("records unreadable error: 1 record is unreadable");
    expect(bad).toContain("s stuck (web-1");
  });

  it("refuses the options of a bucket, and says that a server does not answer", async () => {
    const url = "postgres://127.0.0.1:1/none";
    for (const flag of [
      ["--stream", "S"],
      ["--monitor", "x"],
      ["--bucket", "b"],
    ]) {
      expect((await run(["doctor", "--postgres", url, ...flag])).exitCode).toBe(2);
    }
    expect(await doctor(url)).toMatchObject({ exitCode: 2, err: expect.stringContaining("Cannot use PostgreSQL: ") });
  });

  it("finds a standby, and one that no commit waits for", async () => {
    await using primary = await startPostgres();
    await ask(primary.url, schemaSql());
    await using standby = await startStandby(primary);
    const { exitCode, bad } = await doctor(standby.url);
    expect([exitCode, bad]).toEqual([
      1,
      expect.stringContaining("server writable error: the server is a read-only standby"),
    ]);
    await eventually("the standby is connected", async () => (await doctor(primary.url)).bad.includes("1 standby"));
    expect((await doctor(primary.url)).bad).toContain(
      "replication warning: 1 standby is connected, but no commit waits",
    );
    await ask(primary.url, "alter system set synchronous_standby_names = '*'");
    await ask(primary.url, "select pg_reload_conf()");
    await eventually("commits wait", async () =>
      (await doctor(primary.url)).all.includes("a commit waits for a synchronous one"),
    );
    const store = await run(["list", "--postgres", standby.url]);
    expect([store.exitCode, store.err]).toEqual([2, expect.stringContaining("read-only standby")]);
  });
});
