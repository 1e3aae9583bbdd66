import { once } from "node:events";
import type { Interruption } from "../terminal/interruption.ts";
import type { CliIo } from "../terminal/io.ts";

/** Prints the address of a page and what it is for, and waits until the command is interrupted. */
export async function showPage(url: string, purpose: string, interruption: Interruption, io: CliIo): Promise<void> {
  await io.out.write(`${url}\n`);
  await io.err.write(`Open this URL in a browser to ${purpose}. Press Ctrl-C to end.\n`);
  if (!interruption.drain.aborted) await once(interruption.drain, "abort");
}
