import { once } from "node:events";
import { type RunFile, serveRun } from "../../inspect/server/serve-run.ts";
import { Interruption } from "../terminal/interruption.ts";
import type { CliIo } from "../terminal/io.ts";
import { printable } from "../terminal/printable.ts";
import { cannotListen } from "./cannot-listen.ts";

/** Serves the page with a run, and prints its address, until the command is interrupted. */
export async function showRun(run: RunFile, port: number, io: CliIo): Promise<void> {
  using interruption = new Interruption(io, { drain() {}, abort() {} });
  await using served = await serveRun(run, port).catch(cannotListen("127.0.0.1", port));
  await io.out.write(`${served.url}\n`);
  await io.err.write(`Open this URL in a browser to step through ${printable(run.name)}. Press Ctrl-C to end.\n`);
  if (!interruption.drain.aborted) await once(interruption.drain, "abort");
}
