import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { chown, cp, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import pg from "pg";
import { findPostgres } from "../../scripts/postgres-server.mjs";
import { eventually } from "./eventually.ts";
import { freePorts } from "./free-ports.ts";
import { guardProcess } from "./guard-process.ts";

const run = promisify(execFile);

/** A PostgreSQL server process on its own loopback port. It ends with its scope, or when this process dies. */
export interface PostgresServer extends AsyncDisposable {
  /** URL of the superuser and the database `postgres`. */
  readonly url: string;
  /** Folder of the server's files. */
  readonly folder: string;
  /** Ends the process: `fast` as an administrator would, `crash` with SIGKILL. */
  stop(how: "fast" | "crash"): Promise<void>;
  /** Starts the process again, on the same port and with the same files. */
  start(): Promise<void>;
}

/** Settings of one server, as `name: value`. */
export type PostgresSettings = Readonly<Record<string, string>>;

/** Starts a new, empty server. @throws {Error} if there is no PostgreSQL. */
export async function startPostgres(settings: PostgresSettings = {}): Promise<PostgresServer> {
  const { path, user } = await programs();
  return launch(settings, async (folder) => {
    await run(
      join(path, "initdb"),
      [
        "--pgdata",
        folder,
        "--username",
        "postgres",
        "--auth",
        "trust",
        "--encoding",
        "UTF8",
        "--locale",
        "C",
        "--no-sync",
      ],
      user,
    );
  });
}

/**
 * Starts a server from a copy of another one's files, as they are now, and promotes it. What the other server wrote later is missing,
 * like the last transactions of a primary that failed before an asynchronous standby received them.
 */
export async function startPromoted(primary: PostgresServer): Promise<PostgresServer> {
  const server = await startCopy(primary, {});
  await ask(server.url, "select pg_promote()");
  return server;
}

/** Starts a standby, which follows its primary and is read-only. */
export function startStandby(primary: PostgresServer): Promise<PostgresServer> {
  const { hostname, port, username } = new URL(primary.url);
  return startCopy(primary, { primary_conninfo: `host=${hostname} port=${port} user=${username}` });
}

async function startCopy(primary: PostgresServer, settings: PostgresSettings): Promise<PostgresServer> {
  const client = new pg.Client({ connectionString: primary.url });
  await client.connect();
  return launch(settings, async (folder) => {
    await client.query("select pg_backup_start('copy', true)");
    await cp(primary.folder, folder, { recursive: true, filter: (source) => !source.endsWith("postmaster.pid") });
    const { rows } = await client.query<{ labelfile: string }>("select labelfile from pg_backup_stop(false)");
    // The end of the copy is in the log that was written since.
    await cp(join(primary.folder, "pg_wal"), join(folder, "pg_wal"), { recursive: true });
    await writeFile(join(folder, "backup_label"), rows[0]?.labelfile ?? "");
    await writeFile(join(folder, "standby.signal"), "");
    const { user } = await programs();
    if (user.uid !== undefined) await run("chown", ["-R", `${user.uid}:${user.gid}`, folder]);
    await client.end();
  });
}

/** Starts a server from files that `fill` puts into an empty folder. */
async function launch(settings: PostgresSettings, fill: (folder: string) => Promise<void>): Promise<PostgresServer> {
  const { path, user } = await programs();
  const parent = await mkdtemp(join(tmpdir(), "latchkey-postgres-server-"));
  const folder = join(parent, "data");
  if (user.uid !== undefined && user.gid !== undefined) await chown(parent, user.uid, user.gid);
  await fill(folder);
  const [port = 0] = await freePorts(1);
  const url = `postgres://postgres@127.0.0.1:${port}/postgres`;
  const flags = Object.entries({
    port: String(port),
    listen_addresses: "127.0.0.1",
    unix_socket_directories: "",
    max_connections: "300",
    ...settings,
  }).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
  let running: { readonly child: ChildProcess; readonly guard: ChildProcess } | undefined;

  const server: PostgresServer = {
    url,
    folder,
    async start() {
      await eventually("PostgreSQL accepts connections", async () => {
        // After a crash, the new process ends at once until the last process of the old one has ended.
        if (running?.child.exitCode !== null) {
          running?.guard.kill("SIGKILL");
          const child = spawn(join(path, "postgres"), ["-D", folder, ...flags], { stdio: "ignore", ...user });
          await once(child, "spawn");
          running = { child, guard: guardProcess(Number(child.pid), parent) };
        }
        await ask(url, "select 1");
        return true;
      });
    },
    async stop(how) {
      if (running === undefined) return;
      const { child, guard } = running;
      running = undefined;
      const exit = once(child, "exit");
      // The guard would remove the folder. Its shell ends before it reads the end of its input.
      guard.kill("SIGKILL");
      child.kill(how === "fast" ? "SIGINT" : "SIGKILL");
      await exit;
    },
    async [Symbol.asyncDispose]() {
      await server.stop("crash");
      await rm(parent, { recursive: true, force: true, maxRetries: 5 });
    },
  };
  await server.start();
  return server;
}

/** Runs one statement on a connection of its own. */
export async function ask<Row extends pg.QueryResultRow>(
  url: string,
  statement: string,
  values: unknown[] = [],
): Promise<Row[]> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5_000 });
  client.on("error", () => {});
  await client.connect();
  try {
    return (await client.query<Row>(statement, values)).rows;
  } finally {
    await client.end();
  }
}

async function programs() {
  const found = await findPostgres();
  if ("missing" in found) throw new Error(found.missing);
  return found;
}
