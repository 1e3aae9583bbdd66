import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createConnection } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { eventually } from "./eventually.ts";
import { freePorts } from "./free-ports.ts";
import { guardProcess } from "./guard-process.ts";

/** One redis-server process on a loopback port of its own, in memory only, gone at the end, or when this process dies. */
export interface RedisServer extends AsyncDisposable {
  readonly url: string;
  readonly version: string;
}

/** @returns `undefined` where no redis-server is installed. */
export async function startRedis(): Promise<RedisServer | undefined> {
  const version = await installedVersion();
  if (version === undefined) return undefined;
  const [port] = await freePorts(1);
  const folder = await mkdtemp(join(tmpdir(), "latchkey-redis-"));
  const options = ["--bind", "127.0.0.1", "--port", String(port), "--save", "", "--appendonly", "no", "--dir", folder];
  const child = spawn("redis-server", options, { stdio: "ignore" });
  await once(child, "spawn");
  const watch = guardProcess(Number(child.pid), folder);
  await eventually("redis-server to be ready", async () => {
    const socket = createConnection(Number(port), "127.0.0.1");
    await once(socket, "connect").finally(() => socket.destroy());
    return true;
  });
  return {
    url: `redis://127.0.0.1:${port}`,
    version,
    [Symbol.asyncDispose]: () => stop(child, watch, folder),
  };
}

async function stop(child: ChildProcess, watch: ChildProcess, folder: string): Promise<void> {
  const exit = once(child, "exit");
  child.kill("SIGKILL");
  await exit;
  watch.kill("SIGKILL");
  await rm(folder, { recursive: true, force: true });
}

async function installedVersion(): Promise<string | undefined> {
  try {
    const { stdout } = await promisify(execFile)("redis-server", ["--version"]);
    return /v=([\d.]+)/.exec(stdout)?.[1];
  } catch {
    return undefined;
  }
}
