import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync } from "node:fs";
import { guardProcess } from "./guard-process.ts";

export interface ScriptOptions {
  /** TypeScript file that the process runs. */
  readonly script: string;
  readonly args: readonly string[];
  /** File to which standard error is appended, and standard output unless it is piped. */
  readonly logFile: string;
  /** `ipc` opens a channel for `process.send`; `pipe` connects standard input and output. */
  readonly channel: "ipc" | "pipe";
}

/** Starts a TypeScript file as a process that dies with this one. */
export function startScript({ script, args, logFile, channel }: ScriptOptions): ChildProcess {
  const log = openSync(logFile, "a");
  const child = spawn(process.execPath, ["--import", "tsx", script, ...args], {
    stdio: channel === "ipc" ? ["ignore", log, log, "ipc"] : ["pipe", "pipe", log],
  });
  closeSync(log);
  if (child.pid === undefined) throw new Error(`${script} could not be started`);
  const guard = guardProcess(child.pid);
  child.once("exit", () => guard.kill("SIGKILL"));
  return child;
}

export function isRunning(child: ChildProcess): boolean {
  return child.exitCode === null && child.signalCode === null;
}

/** Sends a signal that ends the process, and waits until it has ended. */
export async function endProcess(child: ChildProcess, signal: "SIGKILL" | "SIGTERM"): Promise<void> {
  if (!isRunning(child)) return;
  const exit = once(child, "exit");
  child.kill(signal);
  await exit;
}
