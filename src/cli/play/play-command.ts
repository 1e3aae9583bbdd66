import { once } from "node:events";
import { createServer, type Server } from "node:http";
import { createRequire } from "node:module";
import { join } from "node:path";
import { loadPage } from "../../inspect/server/page-file.ts";
import { CommandError } from "../terminal/command-error.ts";
import { errorMessage } from "../terminal/error-message.ts";
import { type ExitCode, exitCodes } from "../terminal/exit-codes.ts";
import { Interruption } from "../terminal/interruption.ts";
import type { CliIo } from "../terminal/io.ts";

export interface PlayFlags {
  readonly port?: number;
}

const LOOPBACK = "127.0.0.1";
/** Path of the built page, a single file. */
const BUILT = "dist/play.html";

/** Serves the live simulator on loopback until it is interrupted. */
export async function playCommand({ port = 0 }: PlayFlags, io: CliIo): Promise<ExitCode> {
  const file = join(createRequire(import.meta.url).resolve("latchkey/package.json"), "..", BUILT);
  const { html, policy } = await loadPage(file);
  const server = createServer((request, response) => {
    const isPage = request.method === "GET" && request.url === "/";
    response.writeHead(isPage ? 200 : 404, {
      "content-type": isPage ? "text/html; charset=utf-8" : "text/plain",
      "content-security-policy": policy,
      "x-content-type-options": "nosniff",
      "referrer-policy": "no-referrer",
    });
    response.end(isPage ? html : "not found\n");
  });
  using interruption = new Interruption(io, { drain() {}, abort() {} });
  await listening(server, port);
  try {
    const address = server.address();
    const bound = typeof address === "object" ? address?.port : port;
    await io.out.write(`http://${LOOPBACK}:${bound}/\n`);
    await io.err.write("Open this URL in a browser to play the simulation. Press Ctrl-C to end.\n");
    if (!interruption.drain.aborted) await once(interruption.drain, "abort");
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
  return exitCodes.ok;
}

function listening(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", (error) => {
      reject(new CommandError(`Cannot listen on port ${port}: ${errorMessage(error)}`, { cause: error }));
    });
    server.listen(port, LOOPBACK, resolve);
  });
}
