import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createConnection } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findRedis } from "../../scripts/redis-server.mjs";
import { eventually } from "./eventually.ts";
import { freePorts } from "./free-ports.ts";
import { guardProcess } from "./guard-process.ts";

/** A redis-server process on its own loopback port. It ends with its scope, or when this process dies. */
export interface RedisServer extends AsyncDisposable {
  readonly url: string;
  readonly version: string;
}

/** Durability of a write: `memory` never reaches the disk; `disk` is synced before the answer. */
export type RedisDurability = "memory" | "disk";

/** Starts a redis-server. @throws {Error} If there is none and none can be fetched. */
export async function startRedis(durability: RedisDurability = "memory"): Promise<RedisServer> {
  const found = await findRedis();
  if ("missing" in found) throw new Error(found.missing);
  const [port] = await freePorts(1);
  const folder = await mkdtemp(join(tmpdir(), "latchkey-redis-"));
  const address = ["--bind", "127.0.0.1", "--port", String(port)];
  const keeping = durability === "disk" ? ["--appendonly", "yes", "--appendfsync", "always"] : ["--appendonly", "no"];
  const child = spawn(found.path, [...address, "--save", "", ...keeping, "--dir", folder], { stdio: "ignore" });
  await once(child, "spawn");
  const watch = guardProcess(Number(child.pid), folder);
  await eventually("redis-server accepts connections", async () => {
    const socket = createConnection(Number(port), "127.0.0.1");
    await once(socket, "connect").finally(() => socket.destroy());
    return true;
  });
  return {
    url: `redis://127.0.0.1:${port}`,
    version: found.version,
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
