import { createRequire } from "node:module";
import { join } from "node:path";
import { listen } from "../../inspect/server/listen.ts";
import { loadPage } from "../../inspect/server/page-file.ts";
import { cannotListen } from "../page/cannot-listen.ts";
import { LOOPBACK } from "../page/loopback.ts";
import { showPage } from "../page/show-page.ts";
import { type ExitCode, exitCodes } from "../terminal/exit-codes.ts";
import { Interruption } from "../terminal/interruption.ts";
import type { CliIo } from "../terminal/io.ts";

export interface PlayFlags {
  readonly port?: number;
}

/** Path of the built page, a single file. */
const BUILT = "dist/play.html";

/** Serves the live simulator on loopback until it is interrupted. */
export async function playCommand({ port = 0 }: PlayFlags, io: CliIo): Promise<ExitCode> {
  const file = join(createRequire(import.meta.url).resolve("latchkey/package.json"), "..", BUILT);
  const { html, policy } = await loadPage(file);
  const handler = async ({ method, url }: Request): Promise<Response> => {
    const isPage = method === "GET" && new URL(url).pathname === "/";
    return new Response(isPage ? html : "not found\n", {
      status: isPage ? 200 : 404,
      headers: {
        "content-type": isPage ? "text/html; charset=utf-8" : "text/plain",
        "content-security-policy": policy,
        "x-content-type-options": "nosniff",
        "referrer-policy": "no-referrer",
      },
    });
  };
  using interruption = new Interruption(io);
  const server = await listen(handler, { host: LOOPBACK, port }).catch(cannotListen(LOOPBACK, port));
  try {
    await showPage(`${server.origin}/`, "play the simulation", interruption, io);
  } finally {
    await server.close();
  }
  return exitCodes.ok;
}
