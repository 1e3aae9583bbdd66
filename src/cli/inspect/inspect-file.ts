import { readFile } from "node:fs/promises";
import { basename } from "node:path";
import { parseHistory } from "../../history/history-text.ts";
import { isTrace, parseTrace } from "../../inspect/trace/trace-text.ts";
import { errorMessage } from "../../internal/error-message.ts";
import { showRun } from "../page/show-run.ts";
import { CommandError, cannotRead } from "../terminal/command-error.ts";
import { type ExitCode, exitCodes } from "../terminal/exit-codes.ts";
import type { CliIo } from "../terminal/io.ts";
import { printable } from "../terminal/printable.ts";

/** Serves the page with a recorded run until it is interrupted. Needs no NATS server. */
export async function inspectFile(path: string, port: number, io: CliIo): Promise<ExitCode> {
  await showRun({ name: basename(path), text: await readRun(path) }, port, io);
  return exitCodes.ok;
}

/** @throws {CommandError} for a file that cannot be read, or that is no run. */
async function readRun(path: string): Promise<string> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    throw cannotRead(path, error);
  }
  try {
    if (isTrace(text)) parseTrace(text);
    else parseHistory(text);
  } catch (cause) {
    throw new CommandError(
      `${printable(path)} is not a recorded run: ${printable(errorMessage(cause))}. Give a recording of the inspector, or the output of latchkey check --output`,
      { cause },
    );
  }
  return text;
}
