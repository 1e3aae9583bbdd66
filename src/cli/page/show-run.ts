import { type RunFile, serveRun } from "../../inspect/server/serve-run.ts";
import { Interruption } from "../terminal/interruption.ts";
import type { CliIo } from "../terminal/io.ts";
import { printable } from "../terminal/printable.ts";
import { cannotListen } from "./cannot-listen.ts";
import { LOOPBACK } from "./loopback.ts";
import { showPage } from "./show-page.ts";

/** Serves the page with a run, and prints its address, until the command is interrupted. */
export async function showRun(run: RunFile, port: number, io: CliIo): Promise<void> {
  using interruption = new Interruption(io);
  await using served = await serveRun(run, port).catch(cannotListen(LOOPBACK, port));
  await showPage(served.url, `step through ${printable(run.name)}`, interruption, io);
}
